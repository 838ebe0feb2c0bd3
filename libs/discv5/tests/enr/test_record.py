"""Records: what they say, what is refused, and what reads as absent."""

import itertools

import pytest
from eth_hash.auto import keccak
from hypothesis import given
from hypothesis import strategies as st

from ssv_discv5 import rlp
from ssv_discv5.endpoint import Endpoint
from ssv_discv5.enr.local import LocalRecord, endpoint_pairs
from ssv_discv5.enr.record import Record
from ssv_discv5.enr.text import from_text, to_text
from ssv_discv5.errors import MalformedError, OversizeError
from ssv_discv5.identity import PrivateKey
from ssv_discv5.rlp import Item

KEY = PrivateKey(bytes(range(1, 33)))
KEY_HEX = bytes(range(1, 33)).hex()
TEXT = to_text(Record.sign(KEY, 1, endpoint_pairs(Endpoint.of("127.0.0.1", 30303))))
SSV_PAIRS: dict[bytes, Item] = {
    b"ssv": b"\x01",
    b"subnets": bytes(range(16)),
    b"domaintype": bytes.fromhex("00000001"),
    b"next_domaintype": bytes.fromhex("00000001"),
}


def test_a_record_in_text_form() -> None:
    record = from_text(TEXT)
    assert record.node_id == KEY.node_id
    assert (record.seq, str(record.ip), record.udp, record.tcp) == (1, "127.0.0.1", 30303, None)
    assert record.endpoint(4) == Endpoint.of("127.0.0.1", 30303)
    assert record.endpoint(6) is None
    assert to_text(record) == TEXT


def test_ssv_keys_survive_the_way() -> None:
    pairs = {**SSV_PAIRS, **endpoint_pairs(Endpoint.of("203.0.113.9", 12001)), b"tcp": rlp.encode_uint(13001)}
    record = Record.decode(Record.sign(KEY, 7, pairs).raw)
    assert record.get(b"subnets") == bytes(range(16))
    assert record.get(b"ssv") == b"\x01"
    assert record.get(b"domaintype") == bytes.fromhex("00000001")
    assert (record.tcp, record.tcp6, record.udp) == (13001, 13001, 12001)


def test_a_list_as_value_is_kept_and_read_as_absent() -> None:
    fork: Item = ((bytes(4), rlp.encode_uint(5)),)
    record = Record.decode(Record.sign(KEY, 1, {b"eth": fork}).raw)
    assert record.pairs[b"eth"] == fork
    assert record.get(b"eth") is None


@pytest.mark.parametrize("pairs", [{b"ip": b"\1\2\3"}, {b"udp": b"\1\2\3"}, {b"udp": b""}, {b"ip6": b"\1"}])
def test_a_value_of_the_wrong_size_reads_as_absent(pairs: dict[bytes, Item]) -> None:
    record = Record.decode(Record.sign(KEY, 1, pairs).raw)
    assert (record.ip, record.udp, record.ip6, record.endpoint(4), record.endpoint(6)) == (None,) * 5


def test_size_limit_on_both_sides() -> None:
    base = len(Record.sign(KEY, 1, {}).raw)
    filling = next(n for n in itertools.count(60) if len(Record.sign(KEY, 1, {b"x": bytes(n)}).raw) == 300)
    assert base < 300
    assert len(Record.decode(Record.sign(KEY, 1, {b"x": bytes(filling)}).raw).raw) == 300
    with pytest.raises(OversizeError):
        Record.sign(KEY, 1, {b"x": bytes(filling + 1)})
    with pytest.raises(MalformedError, match="300"):
        Record.decode(handmade([rlp.encode_uint(1), *flat({b"x": bytes(filling + 1)})]))


def flat(pairs: dict[bytes, Item]) -> list[Item]:
    full = {**pairs, b"id": b"v4", b"secp256k1": KEY.public_key}
    return [part for key in sorted(full) for part in (key, full[key])]


def handmade(content: list[Item]) -> bytes:
    """Return a record of any content, signed by KEY."""
    return rlp.encode((KEY.sign(keccak(rlp.encode(tuple(content)))), *content))


def test_what_is_handmade_well_is_accepted() -> None:
    assert Record.decode(handmade([b"\1", *flat({})])).node_id == KEY.node_id


@pytest.mark.parametrize(
    "content",
    [
        pytest.param([], id="no sequence number"),
        pytest.param([b"\1", *flat({}), b"zz"], id="a key alone"),
        pytest.param([b"\0", *flat({})], id="sequence number with a leading zero"),
        pytest.param([b"\1" + bytes(8), *flat({})], id="sequence number of 9 bytes"),
        pytest.param([b"\1", *flat({})[2:], *flat({})[:2]], id="unsorted"),
        pytest.param([b"\1", *flat({})[:2], *flat({})], id="double key"),
        pytest.param([b"\1", b"id", b"v5", b"secp256k1", KEY.public_key], id="unknown scheme"),
        pytest.param([b"\1", b"secp256k1", KEY.public_key], id="no scheme"),
        pytest.param([b"\1", b"id", b"v4"], id="no public key"),
        pytest.param([b"\1", b"id", b"v4", b"secp256k1", b"\2" + b"\xff" * 32], id="no point"),
        pytest.param([b"\1", b"id", b"v4", b"secp256k1", (KEY.public_key,)], id="key is a list"),
        pytest.param([b"\1", b"id", b"v4", b"secp256k1", PrivateKey(b"\1" * 32).public_key], id="other key"),
        pytest.param([b"\1", (b"id",), b"v4", b"secp256k1", KEY.public_key], id="a list as key"),
    ],
)
def test_what_is_refused(content: list[Item]) -> None:
    with pytest.raises(MalformedError):
        Record.decode(handmade(content))


def test_every_altered_byte_is_refused() -> None:
    raw = from_text(TEXT).raw
    for at in range(len(raw)):
        with pytest.raises(MalformedError):
            Record.decode(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :])


@pytest.mark.parametrize("text", ["", "enr:", TEXT[4:], TEXT + "ä", TEXT[:-1] + "/", "enr:" + "A" * 10_000])
def test_bad_text_is_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        from_text(text)


def test_updates_raise_the_sequence_number_once_a_change() -> None:
    local = LocalRecord(KEY, 5, SSV_PAIRS)
    assert not local.update({b"ssv": b"\x01"})
    assert local.record.seq == 5
    assert local.update({b"subnets": b"\xff" * 16, b"next_domaintype": None})
    assert local.record.seq == 6
    assert local.record.get(b"next_domaintype") is None
    with pytest.raises(OversizeError):
        local.update({b"x": bytes(200)})
    assert local.update({b"tcp": b"\x10\x00"})
    assert (local.record.seq, local.record.get(b"x")) == (7, None)


@given(
    st.integers(0, 2**64 - 1),
    st.dictionaries(st.binary(min_size=1, max_size=6), st.binary(max_size=20), max_size=4),
)
def test_what_is_signed_decodes_to_the_same(seq: int, pairs: dict[bytes, bytes]) -> None:
    record = Record.sign(KEY, seq, dict(pairs))
    again = from_text(to_text(record))
    assert again == record
    assert again.pairs == {**pairs, b"id": b"v4", b"secp256k1": KEY.public_key}


def test_secrets_do_not_show() -> None:
    assert KEY_HEX not in repr(KEY)
