import pytest

from ssv_devnet.builder.containers import header_of
from ssv_devnet.builder.payload import Parent, build_payload, next_gas_limit
from ssv_protocol.types.beacon.registration import ValidatorRegistration
from ssv_protocol.types.ids import BlsPublicKey, ExecutionAddress

PARENT = Parent(b"\x01" * 32, 11, 30_000_000, b"\x02" * 32)
REGISTRATION = ValidatorRegistration(ExecutionAddress(b"\x03" * 20), 36_000_000, 1, BlsPublicKey(b"\x04" * 48))


@pytest.mark.parametrize(
    ("parent", "target", "expected"),
    [
        (30_000_000, 30_000_000, 30_000_000),
        (30_000_000, 30_000_001, 30_000_001),
        (30_000_000, 36_000_000, 30_029_295),
        (36_000_000, 30_000_000, 35_964_845),
        (1024, 2048, 1024),
        (0, 30_000_000, 0),
    ],
)
def test_the_gas_limit_moves_by_less_than_a_1024th(parent: int, target: int, expected: int) -> None:
    assert next_gas_limit(parent, target) == expected


def test_a_payload_stands_on_its_parent() -> None:
    payload = build_payload(PARENT, 1234, REGISTRATION)
    assert (payload.parent_hash, payload.prev_randao) == (PARENT.block_hash, PARENT.randao)
    assert (payload.block_number, payload.timestamp, payload.gas_limit) == (12, 1234, 30_029_295)
    assert payload.fee_recipient == REGISTRATION.fee_recipient


def test_the_block_hash_tells_payloads_apart() -> None:
    payload = build_payload(PARENT, 1234, REGISTRATION)
    assert payload == build_payload(PARENT, 1234, REGISTRATION)
    assert payload.block_hash != build_payload(PARENT, 1235, REGISTRATION).block_hash


def test_a_header_has_its_payloads_root() -> None:
    payload = build_payload(PARENT, 1234, REGISTRATION)
    assert header_of(payload).hash_tree_root() == payload.hash_tree_root()
