"""The exit runner; operator 1 of 4 is ours."""

from dataclasses import replace

from libs.protocol.tests.runners.validator_world import Qbft, combine_all, duty, partial, receive, refusal, seat
from libs.protocol.tests.runners.world import A, validator_key
from libs.protocol.tests.signing.world import CHAIN, CLOCK, NETWORK, SLOTS_PER_EPOCH

from ssv_protocol.beacon_chain import BeaconFork, ScheduledFork
from ssv_protocol.crypto import bls
from ssv_protocol.crypto.signing_root import DOMAIN_VOLUNTARY_EXIT, compute_domain, compute_signing_root
from ssv_protocol.effects import Exit, Finish, PreConsensusDraft, Send, Submit
from ssv_protocol.errors import Reason
from ssv_protocol.runners.seats import ValidatorSeat
from ssv_protocol.runners.voluntary_exit import voluntary_exit_runner
from ssv_protocol.types.beacon.exit import VoluntaryExit
from ssv_protocol.types.ids import Epoch, ForkVersion
from ssv_protocol.types.roles import BeaconRole, PartialSignatureType

DUTY = duty(BeaconRole.VOLUNTARY_EXIT)
KIND = PartialSignatureType.VOLUNTARY_EXIT
LEAVING = VoluntaryExit(CHAIN.epoch_of(CLOCK), A)
CAPELLA = ForkVersion(b"\x40\x00\x00\x01")


def forked_seat() -> ValidatorSeat:
    """Return a seat on a chain that was at Capella before it came to Fulu."""
    forks = (ScheduledFork(BeaconFork.CAPELLA, CAPELLA, Epoch(0)), replace(CHAIN.forks[0], epoch=Epoch(5)))
    return replace(seat(), network=replace(NETWORK, chain=replace(CHAIN, forks=forks)))


def test_the_exit_is_of_the_duty_and_signed_with_the_domain_of_capella_for_ever() -> None:
    assert CLOCK >= 5 * SLOTS_PER_EPOCH, "the duty is after the fork"
    machine = voluntary_exit_runner(forked_seat(), DUTY)
    item = Exit(validator_key(A).public_key(), LEAVING)
    assert machine.start() == [Send(PreConsensusDraft(machine.message_id, CLOCK, KIND, (item,)))]
    domain = compute_domain(DOMAIN_VOLUNTARY_EXIT, CAPELLA, CHAIN.genesis_validators_root)
    root = compute_signing_root(LEAVING.hash_tree_root(), domain)
    for operator in (4, 3):
        receive(machine, partial(machine, operator, root, KIND))
    submit, finish = combine_all(machine, receive(machine, partial(machine, 2, root, KIND)))
    assert isinstance(submit, Submit)
    assert isinstance(finish, Finish)
    (signed,) = submit.exits
    assert signed.message == LEAVING
    assert bls.verify(validator_key(A).public_key(), root, signed.signature)
    assert machine.finished


def test_there_is_no_consensus_and_nothing_after_it() -> None:
    machine = voluntary_exit_runner(seat(), DUTY)
    assert refusal(machine, Qbft(machine.message_id, b"value").decided()) is Reason.NO_CONSENSUS_PHASE
    root = compute_signing_root(LEAVING.hash_tree_root(), CHAIN.domain(DOMAIN_VOLUNTARY_EXIT, LEAVING.epoch))
    after = partial(machine, 2, root, PartialSignatureType.POST_CONSENSUS)
    assert refusal(machine, after) is Reason.NO_POST_CONSENSUS_PHASE
