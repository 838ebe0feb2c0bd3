"""The size vectors: how long an encoding is, and how long the limits let it become.

Source: ssv-spec types/spectest/tests/maxmsgsize.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ssz.sedes import Bitlist

from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.types.beacon.attestation import Attestation, ElectraAttestation, Phase0Attestation
from ssv_protocol.types.ids import BlsSignature
from ssv_protocol.types.ssz import SszContainer, max_encoded_bytes, sedes_of
from tests.spec.alan_types import in_rules_of, type_in
from tests.spec.case import Case
from tests.spec.go_json import Json, parse_hex, parse_signed
from tests.spec.types_json import (
    parse_attestation_data,
    parse_partial_signature,
    parse_partial_signatures,
    parse_qbft,
    parse_ssv_message,
    parse_vote,
)

_PARSERS: dict[frozenset[str], Callable[[Json], SszContainer]] = {
    frozenset({"PartialSignature", "Signer", "SigningRoot", "ValidatorIndex"}): parse_partial_signature,
    frozenset({"Type", "Slot", "Messages"}): parse_partial_signatures,
    frozenset({"MsgType", "MsgID", "Data"}): parse_ssv_message,
    frozenset({"Signatures", "OperatorIDs", "SSVMessage", "FullData"}): parse_signed,
    frozenset({"BlockRoot", "Source", "Target"}): parse_vote,
    frozenset(
        {
            "DataRound",
            "Height",
            "Identifier",
            "MsgType",
            "PrepareJustification",
            "Root",
            "Round",
            "RoundChangeJustification",
        }
    ): parse_qbft,
}
"""A case does not name its type; the fields do."""


def run_size(case: Case) -> None:
    """Check the encoded length, and that a largest value is as long as the limits of its type admit."""
    tree, length = case.json["Object"], case.json["ExpectedEncodedLength"]
    if "aggregation_bits" in tree:
        _check_attestation(tree, length)
        return
    value = in_rules_of(case.version, _PARSERS[frozenset(tree)](tree))
    encoded = value.encode()
    assert len(encoded) == length, f"{len(encoded)} bytes"
    assert type(value).decode(encoded) == value
    largest = max_encoded_bytes(type_in(case.version, type(value)))
    if case.json["IsMaxSize"]:
        assert largest == length, f"the limits admit {largest} bytes"
    else:
        assert largest >= length, f"the limits admit only {largest} bytes"


def _check_attestation(tree: Json, length: int) -> None:
    """Check the size that the specification reckons with, which is longer than any attestation.

    It takes the limit of the bit list for bytes and leaves out the bit that ends the list, so the case is
    no SSZ value: its parts must add up, and our decoder must refuse it.
    """
    electra = "committee_bits" in tree
    bits = parse_hex(tree["aggregation_bits"])
    data = parse_attestation_data(tree["data"])
    signature = BlsSignature(parse_hex(tree["signature"]))
    attestation: Attestation
    if electra:
        attestation = ElectraAttestation((), data, signature, _bits(parse_hex(tree["committee_bits"])))
    else:
        attestation = Phase0Attestation((), data, signature)
    empty_list = b"\x01"
    encoded = attestation.encode().removesuffix(empty_list) + bits
    assert len(encoded) == length, f"{len(encoded)} bytes"
    limit = next(sedes.max_bit_count for sedes in sedes_of(type(attestation)).field_sedes if isinstance(sedes, Bitlist))
    assert len(bits) == limit, f"{len(bits)} bytes, {limit} bits"
    assert max_encoded_bytes(type(attestation)) <= length
    with pytest.raises(ProtocolError) as refusal:
        type(attestation).decode(encoded)
    assert refusal.value.reason is Reason.SSZ_DECODE


def _bits(data: bytes) -> tuple[bool, ...]:
    return tuple(bool(byte >> bit & 1) for byte in data for bit in range(8))
