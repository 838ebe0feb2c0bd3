"""Go's JSON of the protocol's values: reading it, writing it, hashing it and comparing it.

A vector writes []byte as base64 (nil as null), fixed arrays as hex or as lists of numbers, map keys as
strings. The "root" of a state is the SHA-256 of its compact JSON, so key order and null against [] count.

Source: Go encoding/json; the MarshalJSON methods of ssv-spec types and qbft.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any

from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.types.ids import CommitteeId, DomainType, MessageId, OperatorId, RsaSignature
from ssv_protocol.types.messages import SignedSSVMessage, SSVMessage
from ssv_protocol.types.operator import CommitteeMember, Operator

Json = Any


def parse_bytes(text: str | None) -> bytes:
    """Read a []byte; null is empty."""
    return b64decode(text) if text is not None else b""


def render_bytes(data: bytes | None) -> str | None:
    """Write a []byte; empty is nil, as Go's SSZ decoder leaves it."""
    return b64encode(data).decode() if data else None


def parse_hex(text: str) -> bytes:
    """Read hex with or without 0x."""
    return bytes.fromhex(text.removeprefix("0x"))


def parse_array(value: list[int] | str) -> bytes:
    """Read a fixed array: a list of numbers, or hex."""
    return parse_hex(value) if isinstance(value, str) else bytes(value)


def parse_signed(tree: Json) -> SignedSSVMessage:
    """Read a SignedSSVMessage that has an SSVMessage."""
    message = tree["SSVMessage"]
    return SignedSSVMessage(
        signatures=tuple(RsaSignature(parse_bytes(item)) for item in tree["Signatures"] or ()),
        operator_ids=tuple(OperatorId(item) for item in tree["OperatorIDs"] or ()),
        ssv_message=SSVMessage(
            message["MsgType"], MessageId(parse_hex(message["MsgID"])), parse_bytes(message["Data"])
        ),
        full_data=parse_bytes(tree["FullData"]),
    )


def parse_whole_signed(tree: Json) -> SignedSSVMessage:
    """Read a SignedSSVMessage; raises ProtocolError NO_SSV_MESSAGE when it has none.

    Here an envelope cannot lack its message: all else of it must be in order, and on the wire the missing message
    must not decode.
    """
    if tree["SSVMessage"] is not None:
        return parse_signed(tree)
    whole = parse_signed({**tree, "SSVMessage": {"MsgType": 0, "MsgID": "00" * 56, "Data": None}})
    whole.validate()
    without = whole.encode().replace(whole.ssv_message.encode(), b"")
    try:
        SignedSSVMessage.decode(without)
    except ProtocolError:
        raise ProtocolError(Reason.NO_SSV_MESSAGE) from None
    raise AssertionError("an envelope without its message decodes")


def render_signed(signed: SignedSSVMessage) -> Json:
    """Write a SignedSSVMessage."""
    return {
        "Signatures": [render_bytes(signature) for signature in signed.signatures],
        "OperatorIDs": list(signed.operator_ids),
        "SSVMessage": {
            "MsgType": signed.ssv_message.msg_type,
            "MsgID": signed.ssv_message.msg_id.hex(),
            "Data": render_bytes(signed.ssv_message.data),
        },
        "FullData": render_bytes(signed.full_data),
    }


def parse_member(tree: Json) -> CommitteeMember:
    """Read a CommitteeMember."""
    return CommitteeMember(
        operator_id=OperatorId(tree["OperatorID"]),
        committee_id=CommitteeId(parse_hex(tree["CommitteeID"])),
        public_key=parse_bytes(tree["SSVOperatorPubKey"]),
        faulty_nodes=tree["FaultyNodes"],
        committee=tuple(
            Operator(OperatorId(item["OperatorID"]), parse_bytes(item["SSVOperatorPubKey"]))
            for item in tree["Committee"] or ()
        ),
        domain=DomainType(parse_array(tree["DomainType"])),
    )


def render_member(member: CommitteeMember) -> Json:
    """Write a CommitteeMember."""
    return {
        "OperatorID": member.operator_id,
        "CommitteeID": member.committee_id.hex(),
        "SSVOperatorPubKey": render_bytes(member.public_key),
        "FaultyNodes": member.faulty_nodes,
        "Committee": [
            {"OperatorID": item.operator_id, "SSVOperatorPubKey": render_bytes(item.public_key)}
            for item in member.committee
        ],
        "DomainType": member.domain.hex(),
    }


def json_root(tree: Json) -> str:
    """Return the hex SHA-256 of the compact JSON, keys in the order they have."""
    text = json.dumps(tree, separators=(",", ":"), ensure_ascii=False)
    for character in "<>&":  # Go escapes what HTML would read
        text = text.replace(character, f"\\u{ord(character):04x}")
    return sha256(text.encode()).hexdigest()


def differences(expected: Json, actual: Json, path: str = "$") -> Iterator[str]:
    """Yield one line for each place where two trees differ; null, [] and "" are three different values."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key in [*expected, *(key for key in actual if key not in expected)]:
            if key not in actual or key not in expected:
                yield f"{path}.{key}: {'missing' if key in expected else 'not expected'}"
            else:
                yield from differences(expected[key], actual[key], f"{path}.{key}")
    elif isinstance(expected, list) and isinstance(actual, list):
        if len(expected) != len(actual):
            yield f"{path}: {len(actual)} items, expected {len(expected)}"
        for index, (left, right) in enumerate(zip(expected, actual, strict=False)):
            yield from differences(left, right, f"{path}[{index}]")
    elif expected != actual or type(expected) is not type(actual):
        yield f"{path}: {_short(actual)}, expected {_short(expected)}"


def check_tree(expected: Json, actual: Json, what: str) -> None:
    """Raise AssertionError naming the first differences between two trees."""
    check_lines(list(differences(expected, actual)), what)


def check_lines(lines: Sequence[str], what: str) -> None:
    """Raise AssertionError when there is any line of difference."""
    assert not lines, f"{what} differs:\n  " + "\n  ".join(lines[:12])


def _short(value: Json) -> str:
    text = json.dumps(value)
    return text if len(text) <= 90 else f"{text[:87]}..."
