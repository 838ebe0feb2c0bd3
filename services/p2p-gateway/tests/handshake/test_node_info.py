from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssv_p2p_gateway.handshake.errors import HandshakeError, HandshakeReason
from ssv_p2p_gateway.handshake.node_info import NodeInfo, subnets_from_hex, subnets_to_hex
from ssv_protocol.types.ids import DomainType

DOMAIN = DomainType(bytes.fromhex("00000402"))
SUBNETS = st.frozensets(st.integers(0, 127))


def entries(*of: str) -> bytes:
    return json.dumps({"Entries": of}).encode()


def metadata(**fields: str) -> str:
    return json.dumps({"NodeVersion": "v", "ExecutionNode": "e", "ConsensusNode": "c", "Subnets": "0" * 32, **fields})


@given(st.text(max_size=30), st.text(max_size=30), SUBNETS)
def test_what_is_encoded_is_decoded(version: str, client: str, subnets: frozenset[int]) -> None:
    info = NodeInfo(DOMAIN, version, client, "consensus", subnets)
    assert NodeInfo.decode(info.encode()) == info


def test_the_entries_are_as_other_nodes_read_them() -> None:
    first, domain, told = json.loads(NodeInfo(DOMAIN, "v1", subnets=frozenset({0, 9, 127})).encode())["Entries"]
    assert (first, domain) == ("", "0x00000402")
    assert json.loads(told) == {
        "NodeVersion": "v1",
        "ExecutionNode": "",
        "ConsensusNode": "",
        "Subnets": "01020000000000000000000000000080",
    }


def test_without_metadata_the_subnets_are_not_known() -> None:
    assert NodeInfo.decode(entries("", "0x00000402")) == NodeInfo(DOMAIN, subnets=None)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[1]",
        b'{"Entries": 3}',
        b"[" * 100_000,
        b'{"x":' * 20_000,
        entries(""),
        entries("", "0x000004"),
        entries("", "network"),
        entries("", "0x00000402", ""),
        entries("", "0x00000402", metadata(Subnets="0" * 31)),
        entries("", "0x00000402", metadata(Subnets="0x" + "0" * 32)),
        entries("", "0x00000402", metadata(Subnets="g" * 32)),
        entries("", "0x00000402", "[" * 100_000),
        NodeInfo(DOMAIN).encode() + b"x",
        b"\xff\xfe",
    ],
)
def test_what_says_no_node_info_is_refused(data: bytes) -> None:
    with pytest.raises(HandshakeError) as refused:
        NodeInfo.decode(data)
    assert refused.value.reason is HandshakeReason.UNREADABLE


@given(SUBNETS)
def test_bitmaps(subnets: frozenset[int]) -> None:
    assert subnets_from_hex(subnets_to_hex(subnets)) == subnets


@given(st.binary(max_size=200))
def test_noise_raises_nothing_else(data: bytes) -> None:
    with pytest.raises(HandshakeError):
        NodeInfo.decode(data)
