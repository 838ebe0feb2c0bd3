from dataclasses import replace

import pytest
from libs.protocol.tests.types.samples import SOURCE, TARGET

from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.types.beacon.attestation import AttestationData
from ssv_protocol.types.beacon_vote import BeaconVote
from ssv_protocol.types.ids import Epoch, Root, Slot

VOTE = BeaconVote(Root(b"\x01" * 32), SOURCE, TARGET)


def test_a_vote_from_an_earlier_to_a_later_epoch_is_valid() -> None:
    VOTE.validate()
    assert len(VOTE.encode()) == 112


@pytest.mark.parametrize("source", [TARGET, replace(TARGET, epoch=Epoch(TARGET.epoch + 1))])
def test_the_source_must_be_before_the_target(source: object) -> None:
    with pytest.raises(ProtocolError) as error:
        replace(VOTE, source=source).validate()  # type: ignore[arg-type]
    assert error.value.reason is Reason.ATTESTATION_SOURCE_NOT_BEFORE_TARGET


def test_the_attestation_of_a_vote_takes_slot_and_index_from_the_duty() -> None:
    assert VOTE.attestation_data(Slot(140), 7) == AttestationData(Slot(140), 7, VOTE.block_root, SOURCE, TARGET)
