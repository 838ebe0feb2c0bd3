from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ssz.sedes import boolean

from ssv_protocol.types.beacon.attestation import (
    AttestationData,
    Checkpoint,
    ElectraAggregateAndProof,
    ElectraAttestation,
    SingleAttestation,
)
from ssv_protocol.types.beacon.capella import ExecutionPayload
from ssv_protocol.types.beacon.deposit import DepositMessage
from ssv_protocol.types.beacon.operations import Withdrawal
from ssv_protocol.types.beacon.preset import MAX_COMMITTEES_PER_SLOT
from ssv_protocol.types.ids import BlsPublicKey, BlsSignature, Epoch, ExecutionAddress, Root, Slot, ValidatorIndex
from ssv_protocol.types.ssz import SszContainer
from ssv_protocol.types.ssz_json import Malformed, from_json, to_json

DATA = AttestationData(
    Slot(9),
    0,
    Root(b"\x0a" * 32),
    Checkpoint(Epoch(0), Root(bytes(32))),
    Checkpoint(Epoch(2**64 - 1), Root(b"\x0b" * 32)),
)
DATA_JSON: dict[str, Any] = {
    "slot": "9",
    "index": "0",
    "beacon_block_root": "0x" + "0a" * 32,
    "source": {"epoch": "0", "root": "0x" + "00" * 32},
    "target": {"epoch": "18446744073709551615", "root": "0x" + "0b" * 32},
}


@dataclass(frozen=True, slots=True)
class Switch(SszContainer):
    on: Annotated[bool, boolean]


def test_the_json_form_is_that_of_the_beacon_api() -> None:
    single = SingleAttestation(3, ValidatorIndex(7), DATA, BlsSignature(b"\x0c" * 96))
    assert to_json(single) == {
        "committee_index": "3",
        "attester_index": "7",
        "data": DATA_JSON,
        "signature": "0x" + "0c" * 96,
    }
    assert from_json(SingleAttestation, to_json(single), "") == single


def test_bits_are_the_hex_of_their_encoding() -> None:
    committees = tuple(index == 1 for index in range(MAX_COMMITTEES_PER_SLOT))
    plain = to_json(ElectraAttestation((True, False, True), DATA, BlsSignature(bytes(96)), committees))
    assert plain["aggregation_bits"] == "0x0d"  # 101, and the delimiting bit
    assert plain["committee_bits"] == "0x02" + "00" * 7


@given(
    st.lists(st.booleans(), max_size=70),
    st.sets(st.integers(0, MAX_COMMITTEES_PER_SLOT - 1)),
    st.integers(0, 2**64 - 1),
)
def test_what_goes_out_comes_back(bits: list[bool], committees: set[int], index: int) -> None:
    named = tuple(place in committees for place in range(MAX_COMMITTEES_PER_SLOT))
    aggregate = ElectraAttestation(tuple(bits), DATA, BlsSignature(b"\x01" * 96), named)
    message = ElectraAggregateAndProof(ValidatorIndex(index), aggregate, BlsSignature(b"\x02" * 96))
    received = msgspec.json.decode(msgspec.json.encode(to_json(message)))
    assert from_json(ElectraAggregateAndProof, received, "") == message


@pytest.mark.parametrize(
    "change",
    [
        {"slot": None},
        {"slot": "x"},
        {"slot": "-1"},
        {"slot": str(2**64)},
        {"beacon_block_root": "0a" * 32},
        {"beacon_block_root": "0x" + "0a" * 31},
        {"beacon_block_root": 5},
        {"source": "0x00"},
        {"source": {"epoch": "0"}},
    ],
)
def test_what_is_not_of_the_type_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Malformed) as caught:
        from_json(AttestationData, DATA_JSON | change, "vote")
    assert caught.value.field.startswith(f"vote.{next(iter(change))}")


def test_lists_byte_lists_and_large_numbers() -> None:
    hashed = b"\x01" * 32
    withdrawal = Withdrawal(1, ValidatorIndex(2), ExecutionAddress(b"\x03" * 20), 2**64 - 1)
    payload = ExecutionPayload(
        hashed,
        ExecutionAddress(b"\x02" * 20),
        hashed,
        hashed,
        bytes(256),
        hashed,
        *(1, 2, 3, 4),
        b"extra",
        2**256 - 1,
        hashed,
        (b"\x04\x05", b""),
        (withdrawal, withdrawal),
    )
    plain = to_json(payload)
    assert plain["transactions"] == ["0x0405", "0x"]
    assert plain["extra_data"] == "0x" + b"extra".hex()
    assert plain["base_fee_per_gas"] == str(2**256 - 1)
    assert [each["index"] for each in plain["withdrawals"]] == ["1", "1"]
    assert from_json(ExecutionPayload, plain, "") == payload
    refused: dict[str, object] = {
        "extra_data": "0x" + "00" * 33,
        "base_fee_per_gas": str(2**256),
        "transactions": ["0x0"],
        "withdrawals": [plain["withdrawals"][0]] * 17,
    }
    for key, value in refused.items():
        with pytest.raises(Malformed) as caught:
            from_json(ExecutionPayload, plain | {key: value}, "payload")
        assert caught.value.field.startswith(f"payload.{key}")


def test_units_in_names_are_ours_alone() -> None:
    message = DepositMessage(BlsPublicKey(b"\x01" * 48), bytes(32), 32_000_000_000)
    assert to_json(message)["amount"] == "32000000000"
    assert from_json(DepositMessage, to_json(message), "") == message


@pytest.mark.parametrize("text", ["01", "+1", " 1", "1_0", "\u0661", "", "1.0"])
def test_a_number_has_one_form(text: str) -> None:
    with pytest.raises(Malformed, match="decimal number"):
        from_json(AttestationData, DATA_JSON | {"slot": text}, "vote")


def test_a_type_without_a_json_form_is_a_programming_error() -> None:
    with pytest.raises(TypeError, match=r"Switch\.on has no JSON form"):
        from_json(Switch, {"on": True}, "")
