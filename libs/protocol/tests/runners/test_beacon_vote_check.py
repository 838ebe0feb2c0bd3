from dataclasses import replace

import pytest
from libs.protocol.tests.signing.world import CLOCK, vote_for

from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.runners.beacon_vote_check import BeaconVoteCheck, decode_vote
from ssv_protocol.types.beacon.attestation import Checkpoint
from ssv_protocol.types.beacon_vote import BeaconVote
from ssv_protocol.types.ids import Epoch, Root, Slot

OWN = vote_for(CLOCK)
CHECK = BeaconVoteCheck(CLOCK, OWN.attestation_data(CLOCK, 0))
OTHER_ROOT = Root(b"\x55" * 32)


def reason_of(value: bytes, check: BeaconVoteCheck = CHECK) -> Reason | None:
    try:
        check(value)
    except ProtocolError as error:
        return error.reason
    return None


def shifted(checkpoint: Checkpoint, epochs: int) -> Checkpoint:
    return replace(checkpoint, epoch=Epoch(checkpoint.epoch + epochs))


def test_accepts_its_own_view_and_any_head() -> None:
    assert reason_of(OWN.encode()) is None
    assert reason_of(replace(OWN, block_root=OTHER_ROOT).encode()) is None


@pytest.mark.parametrize("epochs", [-1, 1])
@pytest.mark.parametrize("name", ["source", "target"])
def test_refuses_checkpoints_of_other_epochs(name: str, epochs: int) -> None:
    checkpoint = shifted(OWN.source if name == "source" else OWN.target, epochs)
    vote = BeaconVote(OWN.block_root, *((checkpoint, OWN.target) if name == "source" else (OWN.source, checkpoint)))
    expected = (
        Reason.ATTESTATION_SOURCE_NOT_BEFORE_TARGET
        if vote.source.epoch >= vote.target.epoch
        else Reason.CHECKPOINT_MISMATCH
    )
    assert reason_of(vote.encode()) == expected


def test_checkpoint_roots_matter_only_when_asked_for() -> None:
    strict = BeaconVoteCheck(CLOCK, CHECK.own, same_roots=True)
    assert reason_of(OWN.encode(), strict) is None
    for vote in (
        replace(OWN, source=replace(OWN.source, root=OTHER_ROOT)),
        replace(OWN, target=replace(OWN.target, root=OTHER_ROOT)),
    ):
        assert reason_of(vote.encode()) is None
        assert reason_of(vote.encode(), strict) == Reason.CHECKPOINT_MISMATCH


def test_a_caller_may_refuse_the_whole_vote_as_slashable() -> None:
    asked: list[tuple[BeaconVote, Slot]] = []

    def slashable(vote: BeaconVote, slot: Slot) -> bool:
        asked.append((vote, slot))
        return True

    check = BeaconVoteCheck(CLOCK, CHECK.own, slashable=slashable)
    assert reason_of(OWN.encode(), check) == Reason.SLASHABLE_ATTESTATION
    assert asked == [(OWN, CLOCK)]


@pytest.mark.parametrize("value", [b"", OWN.encode()[:-1], OWN.encode() + b"\0"])
def test_refuses_what_is_no_vote(value: bytes) -> None:
    assert reason_of(value) == Reason.BEACON_VOTE_DECODE


def test_decodes() -> None:
    assert decode_vote(OWN.encode()) == OWN
