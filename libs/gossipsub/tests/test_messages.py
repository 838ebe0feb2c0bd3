"""Messages through the router. Source: GossipSub v1.0, "Message Processing"; v1.1, "Extended Validators", "Score
Thresholds", "Explicit Peering Agreements"."""

from __future__ import annotations

from dataclasses import replace

import pytest
from libs.gossipsub.tests.conftest import OWN, PARAMETERS, THRESHOLDS, TOPIC, Bench, peer_id

from ssv_gossipsub import MessageId, PeerId, Received, Verdict
from ssv_gossipsub.seen import SeenCache
from ssv_gossipsub.wire import encode
from ssv_gossipsub.wire.rpc import Rpc, Subscription


def in_mesh(bench: Bench, count: int = 4) -> list[PeerId]:
    bench.router.subscribe(TOPIC, bench.now)
    peers = bench.peers(count, outbound=True)
    for peer in peers:
        bench.control(peer, graft=[TOPIC])
    bench.drain()
    return peers


def test_nothing_is_forwarded_or_delivered_before_the_verdict(bench: Bench) -> None:
    sender, *_ = in_mesh(bench)
    (received,) = bench.message(sender, b"data")
    assert received == Received(received.message_id, received.message, sender, bench.now)
    assert received.message.data == b"data"
    assert bench.router.ready == []
    assert bench.decide(b"data", Verdict.ACCEPT) == received


def test_accept_forwards_to_the_mesh_but_not_to_its_sources(bench: Bench) -> None:
    first, second, author, other = in_mesh(bench)
    bench.message(first, b"data", author=author)
    bench.message(second, b"data", author=author)
    bench.decide(b"data", Verdict.ACCEPT)
    assert bench.router.ready == [other]
    assert bench.sent(other).messages == [encode.message(author, b"data", b"", TOPIC)]


@pytest.mark.parametrize(("verdict", "score"), [(Verdict.IGNORE, 0), (Verdict.REJECT, -1)])
def test_ignore_and_reject_neither_forward_nor_deliver(bench: Bench, verdict: Verdict, score: float) -> None:
    sender, *_ = in_mesh(bench)
    bench.message(sender, b"data")
    assert bench.decide(b"data", verdict) is None
    assert bench.router.ready == []
    assert bench.total(sender) == score


def test_a_message_is_validated_and_delivered_once(bench: Bench) -> None:
    first, second, *_ = in_mesh(bench)
    assert len(bench.message(first, b"data")) == 1
    assert len(bench.message(second, b"data")) == 0
    assert bench.decide(b"data", Verdict.ACCEPT) is not None
    assert bench.decide(b"data", Verdict.ACCEPT) is None
    assert len(bench.message(second, b"data")) == 0
    assert bench.router.counts.duplicates == 2


def test_a_message_may_come_again_after_its_time(bench: Bench) -> None:
    sender, *_ = in_mesh(bench)
    bench.accepted(sender, b"data")
    bench.heartbeat(119)
    assert len(bench.message(sender, b"data")) == 0
    bench.heartbeat()
    assert len(bench.message(sender, b"data")) == 1


def test_what_is_seen_again_is_not_remembered_for_longer() -> None:
    seen = SeenCache(10, 100)
    seen.advance(0)
    seen.add(MessageId(b"a"))
    seen.advance(5)
    seen.add(MessageId(b"a"))
    seen.advance(9)
    assert b"a" in seen
    seen.advance(10)
    assert b"a" not in seen


def test_what_is_seen_is_bounded() -> None:
    bench = Bench(replace(PARAMETERS, max_seen=10))
    sender, *_ = in_mesh(bench)
    for number in range(30):
        bench.accepted(sender, b"%d" % number)
    assert len(bench.router.messages.seen) == 10
    assert len(bench.message(sender, b"29")) == 0


def test_messages_of_topics_that_we_did_not_subscribe_are_dropped(bench: Bench) -> None:
    sender, *_ = in_mesh(bench)
    assert len(bench.message(sender, b"data", topic="other")) == 0
    assert bench.router.counts.foreign_topic == 1
    assert bench.total(sender) == 0


@pytest.mark.parametrize(
    ("author", "signature", "key", "score"),
    [(b"", None, None, 0), (b"a", b"s", None, -1), (b"a", b"", None, -1), (b"a", None, b"k", -1)],
)
def test_a_bad_envelope_does_not_stand_in_for_a_good_one(
    bench: Bench, author: bytes, signature: bytes | None, key: bytes | None, score: float
) -> None:
    sender, honest, *_ = in_mesh(bench)
    bad = encode.message(author, b"data", b"", TOPIC, signature, key)
    assert len(bench.receive(sender, Rpc(messages=[bad]))) == 0
    assert bench.total(sender) == score
    assert len(bench.message(honest, b"data")) == 1


def test_own_messages_from_before_a_restart_are_dropped_without_penalty(bench: Bench) -> None:
    sender, *_ = in_mesh(bench)
    assert len(bench.message(sender, b"data", author=OWN)) == 0
    assert bench.total(sender) == 0
    assert bench.router.counts.own_returned == 1


def test_validation_is_bounded_and_what_did_not_fit_may_come_again() -> None:
    bench = Bench(replace(PARAMETERS, max_validating=2))
    sender, other, *_ = in_mesh(bench)
    assert [len(bench.message(sender, data)) for data in (b"1", b"2", b"3")] == [1, 1, 0]
    assert bench.router.counts.validation_full == 1
    assert bench.total(sender) == 0
    bench.decide(b"1", Verdict.ACCEPT)
    assert len(bench.message(other, b"3")) == 1


def test_what_nobody_judges_is_ignored_after_a_while(bench: Bench) -> None:
    sender, *_ = in_mesh(bench)
    bench.message(sender, b"data")
    bench.heartbeat(29)
    assert bench.router.messages.validating == 1
    bench.heartbeat()
    assert bench.router.messages.validating == 0
    assert bench.router.counts.validation_late == 1
    assert bench.decide(b"data", Verdict.REJECT) is None
    assert bench.total(sender) == 0


def test_a_verdict_counts_also_after_the_sender_left(bench: Bench) -> None:
    sender, other, *_ = in_mesh(bench)
    bench.router.penalise(sender)  # else there would be nothing to remember
    bench.message(sender, b"data")
    bench.router.disconnected(sender, bench.now)
    bench.decide(b"data", Verdict.REJECT)
    assert bench.total(sender) == -2
    assert bench.message(other, b"more")


def test_rpcs_of_graylisted_peers_are_ignored_as_a_whole(bench: Bench) -> None:
    sender, *_ = in_mesh(bench)
    bench.router.set_app_score(sender, THRESHOLDS.graylist)
    assert not bench.router.graylisted(sender)
    bench.router.set_app_score(sender, THRESHOLDS.graylist - 0.1)
    assert bench.router.graylisted(sender)
    rpc = Rpc([Subscription("new", True)], [encode.message(b"author", b"data", b"", TOPIC)])
    assert len(bench.receive(sender, rpc)) == 0
    assert bench.router.counts.graylisted_rpcs == 1
    assert sender not in bench.router.subscribers("new")


def test_a_graylisted_peer_that_left_is_known(bench: Bench) -> None:
    sender, *_ = in_mesh(bench)
    bench.router.set_app_score(sender, THRESHOLDS.graylist * 2)
    bench.router.disconnected(sender, bench.now)
    assert bench.router.graylisted(sender)
    bench.heartbeat(101)  # what is remembered for 100 s is over
    assert not bench.router.graylisted(sender)


def test_rpcs_of_unknown_peers_are_ignored(bench: Bench) -> None:
    assert len(bench.message(peer_id(77), b"data")) == 0


def test_a_publication_goes_to_the_mesh_and_others_up_to_d(bench: Bench) -> None:
    members = in_mesh(bench, 2)
    outside = bench.peers(8, first=50)
    published = bench.router.publish(TOPIC, b"data", bench.now)
    assert (published.peers, published.known) == (PARAMETERS.d, False)
    got = [peer for peer in members + outside if bench.sent_data(peer)]
    assert set(members) <= set(got)
    assert len(got) == PARAMETERS.d


def test_a_publication_goes_to_the_whole_mesh_and_no_further(bench: Bench) -> None:
    members = in_mesh(bench, 6)
    outside = bench.peers(8, first=50)
    assert bench.router.publish(TOPIC, b"data", bench.now).peers == 6
    assert [peer for peer in members + outside if bench.sent_data(peer)] == members


def test_a_publication_without_subscription_goes_to_the_fanout(bench: Bench) -> None:
    peers = bench.peers(10)
    bench.router.publish(TOPIC, b"one", bench.now)
    got = [peer for peer in peers if bench.sent_data(peer) == [b"one"]]
    assert len(got) == PARAMETERS.d
    bench.router.publish(TOPIC, b"two", bench.now)
    assert [peer for peer in peers if bench.sent_data(peer) == [b"two"]] == got


def test_no_publication_to_peers_below_the_threshold(bench: Bench) -> None:
    low, *others = in_mesh(bench, 4)
    bench.router.set_app_score(low, THRESHOLDS.publish - 0.1)
    assert bench.router.publish(TOPIC, b"data", bench.now).peers == 3
    assert bench.sent_data(low) == []
    bench.accepted(others[0], b"of others")  # what others published is forwarded until the heartbeat prunes
    assert bench.sent_data(low) == [b"of others"]


def test_publications_carry_author_and_growing_seqno(bench: Bench) -> None:
    peer, *_ = in_mesh(bench, 1)
    for data in (b"one", b"two"):
        bench.router.publish(TOPIC, data, bench.now)
    one, two = bench.sent(peer).messages
    assert (one.author, one.signature, one.key) == (OWN, None, None)
    assert int.from_bytes(two.seqno, "big") == int.from_bytes(one.seqno, "big") + 1
    assert len(one.seqno) == 8


def test_a_publication_is_repeated_only_when_it_reached_nobody(bench: Bench) -> None:
    bench.router.subscribe(TOPIC, bench.now)
    assert bench.router.publish(TOPIC, b"data", bench.now)[1:] == (0, False)
    bench.heartbeat(2 * bench.p.history_length)
    (peer,) = bench.peers(1)
    assert bench.router.publish(TOPIC, b"data", bench.now)[1:] == (1, False)
    assert bench.router.publish(TOPIC, b"data", bench.now)[1:] == (1, True)
    assert bench.sent_data(peer) == [b"data"]
    assert bench.router.counts.published == 1
    assert len(bench.message(peer, b"data")) == 0


def test_what_came_from_others_is_not_published_again(bench: Bench) -> None:
    sender, *_ = in_mesh(bench)
    bench.accepted(sender, b"data")
    bench.drain()
    assert bench.router.publish(TOPIC, b"data", bench.now).known
    assert bench.router.ready == []


def test_direct_peers_get_everything_outside_the_mesh_whatever_they_score() -> None:
    friend = peer_id(0)
    bench = Bench(direct=[friend])
    bench.router.subscribe(TOPIC, bench.now)
    bench.peers(1)
    (sender,) = bench.peers(1, first=1)
    bench.router.set_app_score(friend, THRESHOLDS.graylist * 2)
    bench.heartbeat()
    bench.drain()
    assert friend not in bench.mesh()
    bench.accepted(sender, b"forwarded")
    bench.router.publish(TOPIC, b"published", bench.now)
    assert bench.sent_data(friend) == [b"forwarded", b"published"]
    assert not bench.router.graylisted(friend)
    assert len(bench.message(friend, b"from friend")) == 1
    bench.receive(friend, Rpc([Subscription(TOPIC, False)]))
    bench.accepted(sender, b"more")
    assert bench.sent_data(friend) == []
