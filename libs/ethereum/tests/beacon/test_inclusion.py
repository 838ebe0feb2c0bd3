import pytest

from ssv_ethereum.beacon.blocks import BlockAttestation
from ssv_ethereum.beacon.duties import SyncDuty
from ssv_ethereum.beacon.inclusion import attesters, list_bits, sync_voters, vector_bits
from ssv_protocol.types.ids import BlsPublicKey, Slot, ValidatorIndex


def indices(*numbers: int) -> tuple[ValidatorIndex, ...]:
    return tuple(map(ValidatorIndex, numbers))


COMMITTEES = {0: indices(10, 11, 12), 1: indices(20, 21), 2: indices(30, 31, 32, 33)}


def attestation(committee_bits: int, aggregation_bits: str) -> BlockAttestation:
    """Bits of the members from left to right, as one reads them."""
    bits = int("1" + aggregation_bits[::-1], 2)  # the delimiting bit comes last, which is highest
    encoded = bits.to_bytes((bits.bit_length() + 7) // 8, "little")
    return BlockAttestation(Slot(5), committee_bits.to_bytes(8, "little"), encoded)


def test_bits_are_lowest_first() -> None:
    assert vector_bits(b"\x01\x80") == [True, *[False] * 14, True]


@pytest.mark.parametrize(
    ("encoded", "bits"),
    [
        (b"\x01", []),
        (b"\x02", [False]),
        (b"\x0d", [True, False, True]),
        (b"\xff", [True] * 7),
        (b"\x00\x01", [False] * 8),
        (b"\x05\x02", [True, False, True, *[False] * 6]),
    ],
)
def test_the_highest_bit_marks_the_length(encoded: bytes, bits: list[bool]) -> None:
    assert list_bits(encoded) == bits


@pytest.mark.parametrize("encoded", [b"", b"\x00", b"\xff\x00"])
def test_a_list_without_its_mark_is_refused(encoded: bytes) -> None:
    with pytest.raises(ValueError, match="delimiting"):
        list_bits(encoded)


@pytest.mark.parametrize(
    ("committee_bits", "aggregation_bits", "expected"),
    [
        (0b001, "101", indices(10, 12)),
        (0b010, "01", indices(21)),
        (0b101, "0011001", indices(12, 30, 33)),
        (0b111, "100" + "10" + "0001", indices(10, 20, 33)),
        (0b110, "000000", ()),
        (0b000, "", ()),
    ],
)
def test_a_members_bit_stands_after_the_named_committees_before_its_own(
    committee_bits: int, aggregation_bits: str, expected: tuple[ValidatorIndex, ...]
) -> None:
    assert attesters(attestation(committee_bits, aggregation_bits), COMMITTEES) == set(expected)


@pytest.mark.parametrize(("committee_bits", "aggregation_bits"), [(0b001, "10"), (0b001, "1000"), (0b101, "101")])
def test_bits_of_another_length_are_refused(committee_bits: int, aggregation_bits: str) -> None:
    with pytest.raises(ValueError, match="bits for"):
        attesters(attestation(committee_bits, aggregation_bits), COMMITTEES)


def test_a_committee_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match=r"committees \[63\] do not exist at slot 5"):
        attesters(attestation(1 << 63, "1"), COMMITTEES)


def test_sync_voters_are_found_by_any_of_their_seats() -> None:
    def duty(index: int, *positions: int) -> SyncDuty:
        return SyncDuty(ValidatorIndex(index), BlsPublicKey(bytes(48)), positions)

    bits = bytearray(64)
    bits[0], bits[63] = 0b0000_0010, 0b1000_0000  # seats 1 and 511
    duties = [duty(3, 1), duty(4, 0, 511), duty(5, 0, 2, 510), duty(6)]
    assert sync_voters(bytes(bits), duties) == set(indices(3, 4))
