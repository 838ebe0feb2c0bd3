"""Two sessions back to back, and one against frames made by hand."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssv_p2p_gateway.transport.yamux import (
    ACK,
    DATA,
    FIN,
    FIRST_WINDOW_BYTES,
    GO_AWAY,
    MAX_REMOTE_STREAMS,
    MAX_UNREAD_BYTES,
    PING,
    RST,
    SYN,
    WINDOW_UPDATE,
    Session,
    Stream,
    YamuxError,
    frame,
)


class Pair:
    """Two sessions; what one sends reaches the other in chunks of the sizes given, over and over."""

    def __init__(self, sizes: Sequence[int] = (1 << 20,)) -> None:
        self.opened: list[Stream] = []
        self.near = Session(initiator=True, opened=self.opened.append)
        self.far = Session(initiator=False, opened=self.opened.append)
        self._sizes = sizes

    def settle(self) -> None:
        while True:
            there, back = self.near.take(), self.far.take()
            if not there and not back:
                return
            self._feed(self.far, there)
            self._feed(self.near, back)

    def _feed(self, session: Session, data: bytes) -> None:
        number = 0
        while data:
            size = self._sizes[number % len(self._sizes)]
            session.feed(data[:size])
            data, number = data[size:], number + 1

    def streams(self) -> tuple[Stream, Stream]:
        ours = self.near.open()
        self.settle()
        return ours, self.opened.pop()


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 3), st.integers(0, 400_000)), max_size=12),
    st.lists(st.integers(500, 70_000), min_size=1, max_size=4),
)
def test_every_byte_arrives_in_order_when_the_reader_reads(
    writes: list[tuple[bool, int, int]], sizes: list[int]
) -> None:
    pair = Pair(sizes)
    ends = [pair.streams() for _ in range(4)]
    sent: dict[Stream, bytearray] = {stream: bytearray() for both in ends for stream in both}
    got: dict[Stream, bytearray] = {stream: bytearray() for both in ends for stream in both}
    other = {stream: both[1 - place] for both in ends for place, stream in enumerate(both)}
    for place, (near, which, size) in enumerate(writes):
        stream = ends[which][0 if near else 1]
        data = bytes([place]) * size
        stream.write(data)
        sent[stream] += data
        pair.settle()
        for reader in got:
            got[reader] += reader.take(len(reader.unread))
    while any(stream.waiting or other[stream].unread for stream in sent):
        pair.settle()
        for reader in got:
            got[reader] += reader.take(len(reader.unread))
    assert {stream: bytes(sent[other[stream]]) for stream in got} == {
        stream: bytes(kept) for stream, kept in got.items()
    }
    for stream in sent:
        stream.close()
    pair.settle()
    assert pair.near.streams == pair.far.streams == {}
    assert pair.near.unread == pair.far.unread == 0


def test_what_the_reader_does_not_read_waits_with_the_writer() -> None:
    pair = Pair()
    ours, theirs = pair.streams()
    ours.write(bytes(3 * FIRST_WINDOW_BYTES))
    ours.close()
    pair.settle()
    assert len(theirs.unread) == FIRST_WINDOW_BYTES
    assert ours.waiting == 2 * FIRST_WINDOW_BYTES
    assert not theirs.closed_by_peer
    while not theirs.closed_by_peer:
        assert theirs.take(100_000)
        pair.settle()


def test_each_stream_that_changed_is_told_once_a_chunk() -> None:
    pair = Pair()
    ours, theirs = pair.streams()
    told: list[bytes] = []
    theirs.changed = lambda: told.append(theirs.take(len(theirs.unread)))
    for number in range(5):
        ours.write(bytes([number]))
    pair.settle()
    assert told == [bytes(range(5))]


def test_a_stream_is_closed_in_one_direction_at_a_time() -> None:
    pair = Pair()
    ours, theirs = pair.streams()
    ours.write(b"request")
    ours.close()
    pair.settle()
    assert theirs.closed_by_peer
    assert theirs.take(100) == b"request"
    theirs.write(b"reply")
    theirs.close()
    pair.settle()
    assert ours.take(100) == b"reply"
    assert ours.closed_by_peer
    ours.write(b"more")
    assert pair.near.take() == b""
    assert pair.near.streams == pair.far.streams == {}


def test_a_reset_ends_both_directions_and_what_waits() -> None:
    pair = Pair()
    ours, theirs = pair.streams()
    ours.write(bytes(2 * FIRST_WINDOW_BYTES))
    theirs.write(b"unread")
    pair.settle()
    theirs.reset()
    pair.settle()
    assert (ours.reset_by, theirs.reset_by, ours.waiting) == ("peer", "us", 0)
    assert pair.near.streams == pair.far.streams == {}
    assert pair.near.unread == pair.far.unread == 0
    theirs.reset()
    assert pair.far.take() == b""


def test_pings_are_answered_and_answers_counted() -> None:
    pair = Pair()
    pair.near.ping(7)
    assert pair.near.take() == frame(PING, SYN, 0, 7)
    pair.far.feed(frame(PING, SYN, 0, 7))
    assert pair.far.take() == frame(PING, ACK, 0, 7)
    pair.near.feed(frame(PING, ACK, 0, 7))
    assert pair.near.pongs == 1


def test_going_away_is_noted() -> None:
    pair = Pair()
    pair.near.go_away()
    pair.settle()
    assert pair.far.gone_away


def test_the_end_of_the_connection_keeps_what_came() -> None:
    pair = Pair()
    ours, theirs = pair.streams()
    ours.write(b"last")
    pair.settle()
    pair.far.end()
    assert theirs.take(100) == b"last"
    assert theirs.reset_by == "connection"


# against hand-made frames; the session is the one that accepts, so its peer's streams are odd


def accepting(*frames: bytes) -> tuple[Session, list[Stream]]:
    opened: list[Stream] = []
    session = Session(initiator=False, opened=opened.append)
    for one in frames:
        session.feed(one)
    return session, opened


OPEN = frame(WINDOW_UPDATE, SYN, 1, 0)


@pytest.mark.parametrize(
    "frames",
    [
        [struct.pack("!BBHII", 1, 0, 0, 0, 0)],
        [frame(9, 0, 0, 0)],
        [frame(WINDOW_UPDATE, SYN, 2, 0)],
        [frame(WINDOW_UPDATE, SYN, 0, 0)],
        [OPEN, OPEN],
        [OPEN, frame(DATA, 0, 1, FIRST_WINDOW_BYTES + 1)],
        [OPEN, frame(WINDOW_UPDATE, FIN, 1, 0), frame(DATA, 0, 1, 1)],
        [frame(DATA, 0, 5, FIRST_WINDOW_BYTES + 1)],
    ],
    ids=["version", "type", "our number", "number zero", "twice", "beyond the window", "after the end", "no stream"],
)
def test_who_breaks_the_rules_ends_the_session(frames: list[bytes]) -> None:
    with pytest.raises(YamuxError):
        accepting(*frames)


def test_data_may_come_with_the_opening_and_with_the_end() -> None:
    _, opened = accepting(frame(DATA, SYN | FIN, 1, 5) + b"hello")
    assert opened[0].take(10) == b"hello"
    assert opened[0].closed_by_peer


def test_data_of_a_stream_that_is_over_is_skipped() -> None:
    session, opened = accepting(OPEN)
    opened[0].reset()
    session.feed(frame(DATA, 0, 1, 3) + b"old" + frame(DATA, SYN, 3, 3) + b"new")
    assert opened[1].take(10) == b"new"


def test_a_peer_has_only_so_many_streams() -> None:
    session, opened = accepting(*(frame(WINDOW_UPDATE, SYN, 2 * number + 1, 0) for number in range(MAX_REMOTE_STREAMS)))
    session.take()
    session.feed(frame(WINDOW_UPDATE, SYN, 1001, 0))
    assert session.take() == frame(WINDOW_UPDATE, RST, 1001, 0)
    assert len(opened) == MAX_REMOTE_STREAMS
    opened[0].reset()
    session.take()
    session.feed(frame(WINDOW_UPDATE, SYN, 1003, 0))
    assert session.take() == frame(WINDOW_UPDATE, ACK, 1003, 0)


def test_what_nobody_reads_is_bounded_over_all_streams() -> None:
    session, opened = accepting()
    for number in range(8):
        stream_id = 2 * number + 1
        session.feed(frame(DATA, SYN, stream_id, FIRST_WINDOW_BYTES) + bytes(FIRST_WINDOW_BYTES))
        assert session.unread <= MAX_UNREAD_BYTES
        assert sum(len(stream.unread) for stream in session.streams.values()) == session.unread
    assert sum(stream.reset_by == "us" for stream in opened) == 4


@settings(max_examples=300)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([DATA, WINDOW_UPDATE, PING, GO_AWAY]),
            st.integers(0, 15),
            st.sampled_from([0, 1, 2, 3, 5, 7]),
            st.integers(0, 40),
        ),
        max_size=40,
    )
)
def test_any_frames_are_taken_or_an_error(frames: list[tuple[int, int, int, int]]) -> None:
    session = Session(initiator=False, opened=lambda stream: stream.write(bytes(10)))
    ours = session.open()
    ours.write(bytes(100))
    try:
        for kind, flags, stream_id, length in frames:
            session.feed(frame(kind, flags, stream_id, length) + (bytes(length) if kind == DATA else b""))
    except YamuxError:
        return
    remote = [stream_id for stream_id in session.streams if stream_id % 2]
    assert session._remote_streams == len(remote)
    assert session.unread == sum(len(stream.unread) for stream in session.streams.values())


@given(st.binary(max_size=300))
def test_any_bytes_are_taken_or_an_error(data: bytes) -> None:
    session = Session(initiator=False, opened=lambda stream: None)
    try:
        session.feed(data)
    except YamuxError:
        return
    assert session.unread <= len(data)
