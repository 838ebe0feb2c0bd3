import pytest
from libs.protocol.tests.runners.world import A, B, attester, objects, runner, sync_member
from libs.protocol.tests.signing.world import CLOCK, vote_for

from ssv_protocol.beacon_chain import BeaconFork
from ssv_protocol.runners.submission import submission_of
from ssv_protocol.signing.objects import CommitteeObject
from ssv_protocol.types.beacon.attestation import Phase0Attestation, SingleAttestation
from ssv_protocol.types.beacon.sync_committee import SyncCommitteeMessage
from ssv_protocol.types.ids import BlsSignature

VOTE = vote_for(CLOCK)
SIGNATURES = [BlsSignature(bytes([number]) * 96) for number in (1, 2, 3)]


def complete() -> list[tuple[CommitteeObject, BlsSignature]]:
    wanted = objects(runner(attester(A), sync_member(A), attester(B)), VOTE)
    return list(zip(wanted, SIGNATURES, strict=True))


@pytest.mark.parametrize("fork", [BeaconFork.ELECTRA, BeaconFork.FULU])
def test_single_attestations_since_electra(fork: BeaconFork) -> None:
    submit = submission_of(complete(), fork)
    data = VOTE.attestation_data(CLOCK, 0)
    assert submit.attesters == (A, B)
    assert submit.attestations == (
        SingleAttestation(2, A, data, SIGNATURES[0]),
        SingleAttestation(2, B, data, SIGNATURES[2]),
    )
    assert submit.sync_messages == (SyncCommitteeMessage(CLOCK, VOTE.block_root, A, SIGNATURES[1]),)


def test_one_bit_of_the_committee_before_electra() -> None:
    submit = submission_of(complete(), BeaconFork.DENEB)
    attestation = submit.attestations[0]
    assert isinstance(attestation, Phase0Attestation)
    assert len(attestation.aggregation_bits) == 64
    assert [place for place, bit in enumerate(attestation.aggregation_bits) if bit] == [5]
    assert attestation.signature == SIGNATURES[0]


def test_nothing_of_nothing() -> None:
    submit = submission_of([], BeaconFork.FULU)
    assert (submit.attesters, submit.attestations, submit.sync_messages) == ((), (), ())
