"""The interchange format: what is taken, what is refused and how it is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssv_protocol.signing import interchange
from ssv_protocol.signing.interchange import (
    Interchange,
    InterchangeInvalid,
    KeyHistory,
    SignedAttestation,
    SignedBlock,
)
from ssv_protocol.types.ids import BlsPublicKey, Epoch, Root, Slot

NETWORK, OTHER_NETWORK = Root(b"\x01" * 32), Root(b"\x02" * 32)
KEY, ROOT = BlsPublicKey(b"\xa0" * 48), Root(b"\x2a" * 32)
FILE = Interchange(
    NETWORK,
    (
        KeyHistory(
            KEY,
            (SignedBlock(Slot(81952), ROOT), SignedBlock(Slot(81951))),
            (SignedAttestation(Epoch(2290), Epoch(3007), ROOT), SignedAttestation(Epoch(2290), Epoch(3008))),
        ),
        KeyHistory(BlsPublicKey(b"\xa1" * 48)),
        KeyHistory(KEY, (SignedBlock(Slot(2**64 - 1)),)),
    ),
)
Spoil = Callable[[Any], object]

uint64 = st.integers(0, 2**64 - 1)
roots = st.none() | st.binary(min_size=32, max_size=32).map(Root)
blocks = st.builds(SignedBlock, uint64.map(Slot), roots)
attestations = st.builds(SignedAttestation, uint64.map(Epoch), uint64.map(Epoch), roots)
histories = st.builds(
    KeyHistory,
    st.binary(min_size=48, max_size=48).map(BlsPublicKey),
    st.lists(blocks, max_size=3).map(tuple),
    st.lists(attestations, max_size=3).map(tuple),
)


@given(st.lists(histories, max_size=3).map(tuple))
def test_a_file_is_read_as_it_was_written(keys: tuple[KeyHistory, ...]) -> None:
    written = Interchange(NETWORK, keys)
    assert interchange.parse(interchange.encode(written)) == written


def test_the_example_of_the_format() -> None:
    content = interchange.encode(FILE)
    assert content.startswith(b'{\n  "metadata": {\n    "interchange_format_version": "5",\n')
    document = json.loads(content)
    assert document["metadata"] == {
        "interchange_format_version": "5",
        "genesis_validators_root": f"0x{NETWORK.hex()}",
    }
    key = document["data"][0]
    assert key["pubkey"] == f"0x{KEY.hex()}"
    assert key["signed_blocks"] == [{"slot": "81952", "signing_root": f"0x{ROOT.hex()}"}, {"slot": "81951"}]
    assert key["signed_attestations"] == [
        {"source_epoch": "2290", "target_epoch": "3007", "signing_root": f"0x{ROOT.hex()}"},
        {"source_epoch": "2290", "target_epoch": "3008"},
    ]
    assert document["data"][1]["signed_blocks"] == document["data"][1]["signed_attestations"] == []


def test_upper_case_digits_and_fields_of_others_are_taken() -> None:
    document = json.loads(interchange.encode(FILE))
    document["metadata"]["exported_by"] = "another client"
    document["data"][0]["pubkey"] = f"0x{KEY.hex().upper()}"
    document["data"][0]["signed_blocks"][1]["signing_root"] = None
    assert interchange.parse(json.dumps(document)) == FILE


def drop(*path: str | int) -> Spoil:
    return lambda document: _parent(document, path).pop(path[-1])


def put(value: object, *path: str | int) -> Spoil:
    return lambda document: _parent(document, path).__setitem__(path[-1], value)


def _parent(document: Any, path: tuple[str | int, ...]) -> Any:
    for step in path[:-1]:
        document = document[step]
    return document


ATTESTATION = ("data", 0, "signed_attestations", 1)
SPOILED: list[tuple[str, Spoil]] = [
    ("metadata is missing", drop("metadata")),
    ("data is missing", drop("data")),
    ("data is no list", put({}, "data")),
    ("metadata is no JSON object", put([], "metadata")),
    ('metadata.interchange_format_version is "4" and not "5"', put("4", "metadata", "interchange_format_version")),
    ('metadata.interchange_format_version is 5 and not "5"', put(5, "metadata", "interchange_format_version")),
    ("metadata.genesis_validators_root is missing", drop("metadata", "genesis_validators_root")),
    ('metadata.genesis_validators_root is "0x01"', put("0x01", "metadata", "genesis_validators_root")),
    ("data[1] is no JSON object", put("0x", "data", 1)),
    ("data[1].pubkey is missing", drop("data", 1, "pubkey")),
    (f'data[1].pubkey is "{"a0" * 49}"', put("a0" * 49, "data", 1, "pubkey")),
    ("data[1].pubkey is", put("0x" + "g0" * 48, "data", 1, "pubkey")),
    ("data[1].pubkey is 5 and not 0x", put(5, "data", 1, "pubkey")),
    (f'data[1].pubkey is "{"x" * 109} and not 0x and 96 hex digits', put("x" * 200, "data", 1, "pubkey")),
    ("data[1].signed_blocks is missing", drop("data", 1, "signed_blocks")),
    ("data[1].signed_attestations is missing", drop("data", 1, "signed_attestations")),
    ("data[0].signed_blocks[1].slot is missing", drop("data", 0, "signed_blocks", 1, "slot")),
    ("data[0].signed_blocks[1].slot is 5 and", put(5, "data", 0, "signed_blocks", 1, "slot")),
    ("data[0].signed_attestations[1] is no JSON object", put(None, *ATTESTATION)),
    ("data[0].signed_attestations[1].source_epoch is missing", drop(*ATTESTATION, "source_epoch")),
    ('data[0].signed_attestations[1].source_epoch is "-1"', put("-1", *ATTESTATION, "source_epoch")),
    ('data[0].signed_attestations[1].source_epoch is ""', put("", *ATTESTATION, "source_epoch")),
    ('data[0].signed_attestations[1].target_epoch is "1e3"', put("1e3", *ATTESTATION, "target_epoch")),
    ("data[0].signed_attestations[1].target_epoch is", put("²", *ATTESTATION, "target_epoch")),
    ("data[0].signed_attestations[1].target_epoch is", put(str(2**64), *ATTESTATION, "target_epoch")),
    ("data[0].signed_attestations[1].target_epoch is", put("1" * 5000, *ATTESTATION, "target_epoch")),
    ("data[0].signed_attestations[1].signing_root is", put("0x", *ATTESTATION, "signing_root")),
]


@pytest.mark.parametrize(("begins", "spoil"), SPOILED, ids=[begins[:60] for begins, _ in SPOILED])
def test_a_fault_is_named_with_its_field_and_remedy(begins: str, spoil: Spoil) -> None:
    document = json.loads(interchange.encode(FILE))
    spoil(document)
    with pytest.raises(InterchangeInvalid) as caught:
        interchange.parse(json.dumps(document))
    message = str(caught.value)
    assert message.startswith(begins)
    assert "export the file again" in message
    assert len(message) < 300


@pytest.mark.parametrize("depth", [33, 5_000, 500_000])
def test_what_is_nested_too_deeply_is_not_decoded(depth: int) -> None:
    with pytest.raises(InterchangeInvalid, match="nested deeper than 32 levels"):
        interchange.parse("[" * depth)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\xff", "{", "1" * 10_000])
def test_what_is_no_json(content: str | bytes) -> None:
    with pytest.raises(InterchangeInvalid, match="the file is not JSON"):
        interchange.parse(content)


@pytest.mark.parametrize("content", ["[]", "5", "null"])
def test_what_is_no_object(content: str) -> None:
    with pytest.raises(InterchangeInvalid, match="the file is no JSON object"):
        interchange.parse(content)


def test_a_field_that_is_there_twice_is_refused() -> None:
    # the second would silently win
    content = interchange.encode(FILE).replace(b'"slot": "81951"', b'"slot": "81951", "slot": "1"')
    with pytest.raises(InterchangeInvalid, match="a field twice, of slot"):
        interchange.parse(content)


def test_a_file_of_another_network_is_refused_with_both_roots() -> None:
    interchange.check_network(FILE, NETWORK)
    with pytest.raises(InterchangeInvalid, match=f"the file has 0x{'01' * 32}, this network 0x{'02' * 32}"):
        interchange.check_network(FILE, OTHER_NETWORK)
