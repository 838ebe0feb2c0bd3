from hashlib import sha256

import pytest

from ssv_devnet.background_validators.selection import is_aggregator, is_sync_aggregator
from ssv_protocol.types.ids import BlsSignature


def proof_with(residue: int, modulus: int) -> BlsSignature:
    """Search a proof whose hash leaves `residue`."""
    for number in range(10_000):
        proof = BlsSignature(number.to_bytes(96, "big"))
        if int.from_bytes(sha256(proof).digest()[:8], "little") % modulus == residue:
            return proof
    raise AssertionError


@pytest.mark.parametrize("length", [1, 15, 16, 31])
def test_small_committees_select_everybody(length: int) -> None:
    assert all(is_aggregator(BlsSignature(bytes([number]) * 96), length) for number in range(50))


def test_a_committee_of_128_selects_one_in_eight() -> None:
    assert is_aggregator(proof_with(0, 8), 128)
    assert not any(is_aggregator(proof_with(residue, 8), 128) for residue in range(1, 8))


def test_a_sync_subcommittee_is_a_quarter_of_the_committee() -> None:
    assert is_sync_aggregator(proof_with(0, 8), 512)
    assert not is_sync_aggregator(proof_with(4, 8), 512)
    assert is_sync_aggregator(proof_with(1, 2), 64)
