"""Encoding and decoding, against the stock protobuf library and against hostile bytes."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from google.protobuf.message import DecodeError as StockDecodeError
from hypothesis import example, given
from hypothesis import strategies as st
from libs.gossipsub.tests.schema import StockRpc

from ssv_gossipsub import DecodeError, RpcDecoder, WireLimits
from ssv_gossipsub.wire import encode, varint
from ssv_gossipsub.wire.message import Message
from ssv_gossipsub.wire.rpc import Control, IHave, Prune, Rpc, Subscription

TOPICS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
IDS = st.lists(st.binary(max_size=20), max_size=5)
MESSAGES = st.builds(
    encode.message,
    st.binary(max_size=40),
    st.binary(max_size=300),
    st.binary(max_size=8),
    TOPICS,
    st.none() | st.binary(max_size=70),
    st.none() | st.binary(max_size=40),
)
CONTROLS = st.builds(
    Control,
    st.lists(st.builds(IHave, TOPICS, IDS), max_size=3),
    IDS,
    st.lists(TOPICS, max_size=3),
    st.lists(st.builds(Prune, TOPICS, st.integers(0, 2**64 - 1)), max_size=3),
    IDS,
)
RPCS = st.builds(
    Rpc,
    st.lists(st.builds(Subscription, TOPICS, st.booleans()), max_size=4),
    st.lists(MESSAGES, max_size=3),
    CONTROLS.filter(
        lambda control: any((control.ihave, control.iwant, control.graft, control.prune, control.idontwant))
    )
    | st.none(),
)


def decode(body: bytes, **limits: int) -> Rpc:
    return RpcDecoder(WireLimits(**limits)).decode(body)


def same_as_stock(ours: Rpc, stock: Any) -> bool:
    control = ours.control or Control()
    return (
        [tuple(one) for one in ours.subscriptions] == [(one.topicid, one.subscribe) for one in stock.subscriptions]
        and [one[:4] for one in ours.messages]
        == [(one.author, one.data, one.seqno, one.topic) for one in stock.publish]
        and [(one.signature, one.key) for one in ours.messages]
        == [
            (one.signature if one.HasField("signature") else None, one.key if one.HasField("key") else None)
            for one in stock.publish
        ]
        and [(one.topic, list(one.ids)) for one in control.ihave]
        == [(one.topic, list(one.ids)) for one in stock.control.ihave]
        and list(control.iwant) == [known for one in stock.control.iwant for known in one.ids]
        and list(control.graft) == [one.topic for one in stock.control.graft]
        and [tuple(one) for one in control.prune] == [(one.topic, one.backoff) for one in stock.control.prune]
        and list(control.idontwant) == [known for one in stock.control.idontwant for known in one.ids]
    )


@given(RPCS)
def test_what_we_encode_we_decode(rpc: Rpc) -> None:
    assert decode(encode.rpc(rpc)) == rpc


@given(RPCS)
def test_what_we_encode_the_stock_library_reads_alike(rpc: Rpc) -> None:
    assert same_as_stock(rpc, StockRpc.FromString(encode.rpc(rpc)))


@given(st.binary(max_size=200) | st.builds(lambda one, other: encode.rpc(one) + other, RPCS, st.binary(max_size=30)))
@example(b"\x12\x00")
@example(b"\x12\x02\x0a\x05")
@example(b"\x1a\x02\x22\x00")
def test_any_bytes_are_an_rpc_or_a_decode_error(body: bytes) -> None:
    try:
        ours = decode(body)
    except DecodeError:
        return
    try:
        stock = StockRpc.FromString(body)
    except (
        StockDecodeError
    ):  # it knows groups, and the end of one without a beginning; it is stricter in nothing we use
        pytest.fail("only our decoder takes this")
    assert same_as_stock(ours, stock)


@given(RPCS, st.data())
def test_a_changed_byte_is_an_rpc_or_a_decode_error(rpc: Rpc, data: st.DataObject) -> None:
    body = bytearray(encode.rpc(rpc))
    if body:
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(DecodeError):
        decode(bytes(body))


@given(st.lists(MESSAGES, min_size=2, max_size=3))
def test_a_forwarded_message_reads_alike_everywhere(parts: list[Message]) -> None:
    # fields twice and out of order: the last of each counts, and that is what we send on
    joined = b"".join(part.encoded for part in parts)
    stock = StockRpc()
    stock.publish.add().MergeFromString(joined)
    (message,) = decode(b"\x12" + varint.write(len(joined)) + joined).messages
    again = encode.message(*message[:6])
    assert message.encoded == again.encoded
    assert same_as_stock(Rpc(messages=[message]), stock)


def test_a_plain_message_keeps_its_bytes() -> None:
    message = encode.message(b"author", b"data" * 100, b"12345678", "topic")
    (received,) = decode(encode.rpc(Rpc(messages=[message]))).messages
    assert received == message


@pytest.mark.parametrize(
    "encoded",
    [
        b"\x0a\x01b\x0a\x01a\x12\x01d\x1a\x01s\x22\x01t",  # the author twice
        b"\x12\x01d\x0a\x01a\x1a\x01s\x22\x01t",  # out of order
        b"\x0a\x81\x00a\x12\x01d\x1a\x01s\x22\x01t",  # a length of two bytes that fits into one
        b"\x0a\x81\x80\x00a\x12\x01d\x1a\x01s\x22\x01t",
        b"\x0a\x01a\x12\x01d\x1a\x01s\x22\x01t\x3a\x01x",  # an unknown field
    ],
)
def test_what_others_may_read_differently_is_encoded_anew(encoded: bytes) -> None:
    (message,) = decode(b"\x12" + varint.write(len(encoded)) + encoded).messages
    assert message == encode.message(b"a", b"d", b"s", "t")


@pytest.mark.parametrize(
    ("junk", "name"),
    [
        (b"\x38\x01", "varint"),
        (b"\x3a\x01x", "bytes"),
        (b"\x39" + bytes(8), "64 bits"),
        (b"\x3d" + bytes(4), "32 bits"),
    ],
)
def test_unknown_fields_are_skipped_and_not_forwarded(junk: bytes, name: str) -> None:
    message = encode.message(b"author", b"data", b"1", "topic")
    encoded = junk + message.encoded
    (received,) = decode(junk + b"\x12" + varint.write(len(encoded)) + encoded + junk).messages
    assert received == message, name


@pytest.mark.parametrize(
    "body",
    [
        b"\x0b",  # a group
        b"\x00\x00",  # field 0
        b"\x12",  # no length
        b"\x12\x05ab",  # shorter than it says
        b"\x12\x02\x12\x05abcdefg",  # a field beyond its message
        b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",  # a length of more than 64 bits
        b"\x12\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02",
        b"\x0a\x03\x12\x01\xff",  # a topic that is not UTF-8
        b"\xff\xff\xff\xff\xff\xff\x01\x01",  # a field number beyond 29 bits
    ],
)
def test_what_is_no_rpc_is_refused(body: bytes) -> None:
    with pytest.raises(DecodeError):
        decode(body)


@pytest.mark.parametrize(
    "body",
    [
        b"\x0a\x00" * 1000,
        b"\x12\x00" * 1000,
        b"\x12\xd0\x0f" + b"\x0a\x00" * 1000,
        b"\x12\xd0\x0f" + b"\x38\x00" * 1000,
        b"\x1a\xd0\x0f" + b"\x0a\x00" * 1000,
        b"\x1a\xd3\x0f" + b"\x12\xd0\x0f" + b"\x0a\x00" * 1000,
        b"\x38\x00" * 1000,
    ],
)
def test_the_number_of_fields_is_limited_wherever_they_are(body: bytes) -> None:
    with pytest.raises(DecodeError, match="more fields"):
        decode(body, fields=900)
    assert decode(body, fields=1100)


def test_lengths_of_ids_and_topics_are_limited() -> None:
    with pytest.raises(DecodeError, match="message id"):
        decode(encode.rpc(Rpc(control=Control(iwant=[bytes(33)]))), id_bytes=32)
    with pytest.raises(DecodeError, match="topic"):
        decode(encode.rpc(Rpc([Subscription("t" * 33, True)])), topic_bytes=32)
    assert decode(encode.rpc(Rpc([Subscription("t" * 32, True)], (), Control(iwant=[bytes(32)]))), id_bytes=32)


@given(st.integers(0, 2**64 - 1), st.binary(max_size=3))
def test_varints(value: int, rest: bytes) -> None:
    encoded = varint.write(value)
    assert varint.read(encoded + rest, 0) == (value, len(encoded))
    assert len(encoded) == max(1, -(-value.bit_length() // 7))
