"""Slashing records come out of a message as they went in; what is none is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssv_api.v1 import signer_pb2 as pb
from ssv_protocol.signing.records import AttestationRecord, ProposalRecord
from ssv_protocol.signing.watermarks import KeyRecord
from ssv_protocol.types.ids import BlsPublicKey, Epoch, Root, Slot
from ssv_runtime import slashing_wire
from ssv_runtime.slashing_wire import SlashingRecordMalformed

uint64 = st.integers(0, 2**64 - 1)
roots = st.none() | st.binary(min_size=32, max_size=32).map(Root)
records = st.builds(
    KeyRecord,
    st.none() | st.builds(AttestationRecord, uint64.map(Epoch), uint64.map(Epoch), roots),
    st.none() | st.builds(ProposalRecord, uint64.map(Slot), roots),
)
KEY = BlsPublicKey(b"\xa0" * 48)


def sent(message: pb.SlashingRecord) -> pb.SlashingRecord:
    return pb.SlashingRecord.FromString(message.SerializeToString())


@given(records)
def test_a_record_is_read_as_it_was_sent(record: KeyRecord) -> None:
    assert slashing_wire.decode(sent(slashing_wire.encode(KEY, record))) == (KEY, record)


def test_marks_of_zero_are_marks() -> None:
    record = KeyRecord(AttestationRecord(Epoch(0), Epoch(0)), ProposalRecord(Slot(0)))
    assert slashing_wire.decode(sent(slashing_wire.encode(KEY, record))) == (KEY, record)


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        (pb.SlashingRecord(), "a public key has 0 bytes"),
        (pb.SlashingRecord(public_key=bytes(47)), "a public key has 47 bytes"),
        (
            pb.SlashingRecord(public_key=KEY, attestation=pb.HighestAttestation(signing_root=bytes(31))),
            "a signing root has 31 bytes",
        ),
        (
            pb.SlashingRecord(public_key=KEY, block=pb.HighestBlock(signing_root=bytes(33))),
            "a signing root has 33 bytes",
        ),
    ],
)
def test_what_is_no_record(message: pb.SlashingRecord, problem: str) -> None:
    with pytest.raises(SlashingRecordMalformed, match=problem):
        slashing_wire.decode(message)
