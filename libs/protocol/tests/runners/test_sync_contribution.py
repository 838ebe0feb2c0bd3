"""Alan's contributor, hand-fed from its selection proofs to its submissions. This operator is 1 of 4."""

from collections.abc import Iterable
from dataclasses import replace

from libs.protocol.tests.runners.aggregation_world import (
    BLOCK_ROOT,
    EVERYBODY,
    NOBODY,
    Key,
    combined,
    contribution,
    contributor,
    proof_keys,
    signatures,
    sync_selection,
)
from libs.protocol.tests.runners.validator_world import AT, Qbft, receive, refusal, seat
from libs.protocol.tests.runners.world import A, validator_key
from libs.protocol.tests.signing.world import CHAIN, CLOCK
from libs.protocol.tests.types.samples import SIGNATURE

from ssv_protocol.beacon_chain import BeaconFork
from ssv_protocol.crypto import bls
from ssv_protocol.effects import (
    Effect,
    FetchBlockRoot,
    FetchContribution,
    FetchContributions,
    FetchedBlockRoot,
    FetchedContributions,
    Finish,
    PostConsensusDraft,
    PreConsensusDraft,
    Report,
    Send,
    Submit,
)
from ssv_protocol.errors import Reason
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.runners.selection import Selection
from ssv_protocol.runners.sync_contribution import SyncContributionRunner
from ssv_protocol.signing.objects import contribution_objects
from ssv_protocol.types.contributions import Contribution, encode_contributions
from ssv_protocol.types.ids import OperatorId
from ssv_protocol.types.roles import PartialSignatureType
from ssv_protocol.types.validator_data import ValidatorConsensusData

PROOFS, POST = PartialSignatureType.CONTRIBUTION_PROOFS, PartialSignatureType.POST_CONSENSUS
SEATS = (3, 130)
DUTY = contributor(A, CLOCK, SEATS)
SELECTIONS = tuple(sync_selection(subcommittee, A, CLOCK) for subcommittee in (0, 1))
KEYS = proof_keys(*SELECTIONS, slot=CLOCK)
DECIDED = tuple(Contribution(SIGNATURE, contribution(subcommittee)) for subcommittee in (0, 1))
VALUE = ValidatorConsensusData(DUTY, BeaconFork.ALTAIR, encode_contributions(DECIDED)).encode()
POST_KEYS = [(A, item.signing_root) for item in contribution_objects(CHAIN, CLOCK, DECIDED, DUTY)]


def runner(selection: Selection = EVERYBODY, seats: tuple[int, ...] = SEATS) -> SyncContributionRunner:
    return SyncContributionRunner(seat(selection=selection), contributor(A, CLOCK, seats))


def proofs(machine: SyncContributionRunner, *operators: int, keys: Iterable[Key] = KEYS) -> list[Effect]:
    effects: list[Effect] = []
    for operator in operators:
        effects = receive(machine, signatures(machine, operator, list(keys), PROOFS))
    return effects


def asked(machine: SyncContributionRunner, effects: list[Effect]) -> FetchContributions:
    """Answer the question for the block root, which is the first one."""
    (block_root,) = effects
    assert block_root == FetchBlockRoot(CLOCK, CHAIN.in_slot(CLOCK, 1 / 3))
    (contributions,) = machine.step(FetchedBlockRoot(block_root, BLOCK_ROOT), AT)
    assert isinstance(contributions, FetchContributions)
    return contributions


def decided() -> SyncContributionRunner:
    machine = runner()
    fetch = asked(machine, combined(machine, proofs(machine, 1, 2, 3)))
    machine.step(FetchedContributions(fetch, DECIDED), AT)
    receive(machine, Qbft(machine.message_id, VALUE).decided())
    return machine


def test_it_begins_with_a_proof_for_each_seat_even_in_one_subcommittee() -> None:
    machine = runner(seats=(3, 130, 5))
    items = (SELECTIONS[0], SELECTIONS[1], SELECTIONS[0])
    assert machine.start() == [Send(PreConsensusDraft(machine.message_id, CLOCK, PROOFS, items))]
    assert refusal(machine, signatures(machine, 2, KEYS, PROOFS)) is Reason.WRONG_ROOTS_COUNT
    for operator in (1, 2):
        assert proofs(machine, operator, keys=[*KEYS, KEYS[0]]) == []
    fetch = asked(machine, combined(machine, proofs(machine, 3, keys=[*KEYS, KEYS[0]])))
    assert [question.subcommittee_index for question in fetch.contributions] == [0, 1]


def test_what_is_asked_for_is_what_the_proofs_select() -> None:
    machine = runner()
    fetch = asked(machine, combined(machine, proofs(machine, 1, 2, 3)))
    due = CHAIN.in_slot(CLOCK, 2 / 3)
    assert fetch.contributions == tuple(FetchContribution(CLOCK, index, BLOCK_ROOT, due) for index in (0, 1))
    for (_, root), proof in zip(KEYS, fetch.selection_proofs, strict=True):
        assert bls.verify(validator_key(A).public_key(), root, proof)
    of_second = fetch.selection_proofs[1]
    machine = runner(replace(EVERYBODY, is_sync_aggregator=lambda proof: proof == of_second))
    fetch = asked(machine, combined(machine, proofs(machine, 1, 2, 3)))
    assert [question.subcommittee_index for question in fetch.contributions] == [1]
    assert fetch.selection_proofs == (of_second,)


def test_a_validator_that_no_proof_selects_is_done() -> None:
    machine = runner(NOBODY)
    assert combined(machine, proofs(machine, 1, 2, 3)) == [Finish()]
    assert machine.missed_reason(A) is None


def test_a_bad_proof_of_one_subcommittee_holds_up_both_until_a_good_one_comes() -> None:
    machine = runner()
    proofs(machine, 1)
    receive(machine, signatures(machine, 2, KEYS, PROOFS, wrong=KEYS[1:]))
    (report,) = combined(machine, proofs(machine, 3))
    assert isinstance(report, Report)
    assert report.reason is Reason.RECONSTRUCT_SIGNATURE
    assert report.operators == {OperatorId(2)}
    assert machine.missed_reason(A) is MissedReason.RECONSTRUCTION_FAILED
    fetch = asked(machine, combined(machine, proofs(machine, 4)))
    assert [question.subcommittee_index for question in fetch.contributions] == [0, 1]


def test_what_is_fetched_is_proposed_as_it_is() -> None:
    machine = runner()
    fetch = asked(machine, combined(machine, proofs(machine, 1, 2, 3)))
    machine.step(FetchedContributions(fetch, DECIDED[:1], BeaconFork.ELECTRA), AT)
    assert machine.consensus.instance is not None
    proposed = machine.consensus.instance.state.start_value
    assert proposed is not None
    value = ValidatorConsensusData.decode(proposed)
    assert (value.duty, value.version, value.contributions()) == (DUTY, BeaconFork.ELECTRA, DECIDED[:1])


def test_no_contributions_are_a_reason_to_miss_the_duty() -> None:
    machine = runner()
    fetch = asked(machine, combined(machine, proofs(machine, 1, 2, 3)))
    (report,) = machine.step(FetchedContributions(fetch, ()), AT)
    assert isinstance(report, Report)
    assert report.reason is Reason.FETCH_FAILED
    assert machine.missed_reason(A) is MissedReason.NO_AGGREGATE


def test_every_decided_contribution_is_signed_and_submitted() -> None:
    machine = runner()
    fetch = asked(machine, combined(machine, proofs(machine, 1, 2, 3)))
    machine.step(FetchedContributions(fetch, DECIDED), AT)
    commit = Qbft(machine.message_id, VALUE).decided()
    assert receive(machine, commit) == [Send(PostConsensusDraft(machine.message_id, CLOCK, commit, (DUTY,)))]
    for operator in (2, 3):
        assert receive(machine, signatures(machine, operator, POST_KEYS, POST)) == []
    submit, finish = combined(machine, receive(machine, signatures(machine, 4, POST_KEYS, POST)))
    assert isinstance(submit, Submit)
    assert finish == Finish()
    assert [signed.message.contribution for signed in submit.contributions] == [item.contribution for item in DECIDED]
    for (_, root), signed in zip(POST_KEYS, submit.contributions, strict=True):
        assert signed.message.aggregator_index == A
        assert bls.verify(validator_key(A).public_key(), root, signed.signature)
    assert machine.missed_reason(A) is None


def test_a_bad_share_of_one_contribution_does_not_hold_up_the_other() -> None:
    machine = decided()
    receive(machine, signatures(machine, 1, POST_KEYS, POST))
    receive(machine, signatures(machine, 2, POST_KEYS, POST, wrong=POST_KEYS[:1]))
    submit, report = combined(machine, receive(machine, signatures(machine, 3, POST_KEYS, POST)))
    assert isinstance(submit, Submit)
    assert [signed.message.contribution.subcommittee_index for signed in submit.contributions] == [1]
    assert isinstance(report, Report)
    assert report.operators == {OperatorId(2)}
    assert not machine.finished
    submit, finish = combined(machine, receive(machine, signatures(machine, 4, POST_KEYS, POST)))
    assert isinstance(submit, Submit)
    assert [signed.message.contribution.subcommittee_index for signed in submit.contributions] == [0]
    assert finish == Finish()


def test_share_signatures_must_be_over_all_that_was_decided() -> None:
    machine = decided()
    assert refusal(machine, signatures(machine, 2, POST_KEYS[:1], POST)) is Reason.WRONG_ROOTS_COUNT
    doubled = [POST_KEYS[0], POST_KEYS[0]]
    assert refusal(machine, signatures(machine, 2, doubled, POST)) is Reason.WRONG_SIGNING_ROOT


def test_a_decision_without_contributions_asks_for_no_signature() -> None:
    machine = runner()
    fetch = asked(machine, combined(machine, proofs(machine, 1, 2, 3)))
    machine.step(FetchedContributions(fetch, DECIDED), AT)
    nothing = ValidatorConsensusData(DUTY, BeaconFork.ALTAIR, b"").encode()
    assert receive(machine, Qbft(machine.message_id, nothing).decided()) == []


def test_proofs_are_the_validators_and_not_the_shares() -> None:
    machine = runner()
    fetch = asked(machine, combined(machine, proofs(machine, 2, 3, 4)))
    other = runner()
    same = asked(other, combined(other, proofs(other, 1, 2, 3)))
    assert same.selection_proofs == fetch.selection_proofs, "whoever signs, the reconstruction is the same"
