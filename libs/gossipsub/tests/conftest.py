"""A router without a network: peers are made of ids, what it sends is decoded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from random import Random

import pytest

from ssv_gossipsub import (
    Message,
    MessageId,
    PeerId,
    Protocol,
    Received,
    Router,
    RouterParameters,
    RpcDecoder,
    ScoreParameters,
    ScoreThresholds,
    TopicScoreParameters,
    Verdict,
)
from ssv_gossipsub.wire import encode
from ssv_gossipsub.wire.framing import Framer
from ssv_gossipsub.wire.rpc import Control, IHave, Prune, Rpc, Subscription

TOPIC = "blocks"
OWN = PeerId(b"own")
THRESHOLDS = ScoreThresholds(gossip=-10, publish=-20, graylist=-40, opportunistic_graft=1)
INVALID_WEIGHT = -1.0
TOPIC_SCORES = TopicScoreParameters(
    topic_weight=1,
    first_message_deliveries_weight=1,
    first_message_deliveries_decay=0.5,
    first_message_deliveries_cap=100,
    invalid_message_deliveries_weight=INVALID_WEIGHT,
    invalid_message_deliveries_decay=0.5,
)
SCORES = ScoreParameters(
    thresholds=THRESHOLDS,
    topics={TOPIC: TOPIC_SCORES},
    app_specific_weight=1,
    behaviour_penalty_weight=-1,
    behaviour_penalty_decay=0.9,
    retain_score_s=100,
)
PARAMETERS = RouterParameters(d=4, d_low=3, d_high=6, d_score=2, d_out=1, d_lazy=3, max_ihave_length=20)


def content_id(message: Message) -> MessageId:
    """The id of a message is its data, so that tests can name it."""
    return MessageId(message.data[:16])


def peer_id(number: int) -> PeerId:
    return PeerId(b"peer-%03d" % number)


class Bench:
    """A router under test with a clock that only moves when told."""

    def __init__(
        self,
        parameters: RouterParameters = PARAMETERS,
        scores: ScoreParameters = SCORES,
        direct: Sequence[PeerId] = (),
        seed: int = 7,
        may_subscribe: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self.p = parameters
        self.now = 1000.0
        self.router = Router(
            OWN, parameters, scores, content_id, Random(seed), self.now, direct=direct, may_subscribe=may_subscribe
        )
        self._decoder = RpcDecoder()

    def peers(
        self,
        count: int,
        *,
        first: int = 0,
        topics: Iterable[str] = (TOPIC,),
        outbound: bool = False,
        protocol: Protocol = Protocol.V1_1,
    ) -> list[PeerId]:
        """Connect peers that subscribe the topics."""
        ids = [peer_id(number) for number in range(first, first + count)]
        for one in ids:
            self.router.connected(one, protocol, outbound=outbound, addresses=[f"10.0.0.{one.decode()[-3:]}"])
            self.receive(one, Rpc([Subscription(topic, True) for topic in topics]))
        return ids

    def receive(self, peer: PeerId, rpc: Rpc) -> Sequence[Received]:
        return self.router.receive(peer, rpc, self.now)

    def control(
        self,
        peer: PeerId,
        *,
        graft: Sequence[str] = (),
        prune: Sequence[Prune] = (),
        ihave: Sequence[IHave] = (),
        iwant: Sequence[bytes] = (),
        idontwant: Sequence[bytes] = (),
    ) -> None:
        self.receive(peer, Rpc(control=Control(ihave, iwant, graft, prune, idontwant)))

    def message(self, peer: PeerId, data: bytes, topic: str = TOPIC, author: bytes = b"author") -> Sequence[Received]:
        """A peer sends a message; it is not judged yet."""
        return self.receive(peer, Rpc(messages=[encode.message(author, data, b"", topic)]))

    def decide(self, data: bytes, verdict: Verdict) -> Received | None:
        return self.router.decide(MessageId(data[:16]), verdict, self.now)

    def accepted(self, peer: PeerId, data: bytes) -> Received | None:
        self.message(peer, data)
        return self.decide(data, Verdict.ACCEPT)

    def heartbeat(self, times: int = 1) -> None:
        for _ in range(times):
            self.now += self.p.heartbeat_s
            self.router.heartbeat(self.now)

    def sent(self, peer: PeerId) -> Rpc:
        """All that waits for a peer, joined into one RPC; it is taken."""
        subscriptions: list[Subscription] = []
        messages: list[Message] = []
        control = Control([], [], [], [], [])
        for frame in self.router.take(peer):
            (body,) = Framer(1 << 25).feed(frame)
            rpc = self._decoder.decode(body)
            subscriptions += rpc.subscriptions
            messages += rpc.messages
            if rpc.control:
                control.ihave = [*control.ihave, *rpc.control.ihave]
                control.iwant = [*control.iwant, *rpc.control.iwant]
                control.graft = [*control.graft, *rpc.control.graft]
                control.prune = [*control.prune, *rpc.control.prune]
                control.idontwant = [*control.idontwant, *rpc.control.idontwant]
        return Rpc(subscriptions, messages, control)

    def sent_control(self, peer: PeerId) -> Control:
        control = self.sent(peer).control
        assert control is not None
        return control

    def sent_data(self, peer: PeerId) -> list[bytes]:
        return [message.data for message in self.sent(peer).messages]

    def drain(self) -> None:
        for peer in self.router.ready:
            self.router.take(peer)

    def mesh(self, topic: str = TOPIC) -> set[PeerId]:
        return set(self.router.mesh.members(topic))

    def total(self, peer: PeerId) -> float:
        score = self.router.score(peer)
        assert score is not None
        return score.total


@pytest.fixture
def bench() -> Bench:
    return Bench()
