from __future__ import annotations

import time

import pytest
import structlog
from structlog.testing import capture_logs
from tests.support.gateway_messages import Author, network_from_now
from tests.support.gateway_operators import registry_state

from ssv_p2p_gateway import gate as gate_module
from ssv_p2p_gateway.gate import Gate
from ssv_p2p_gateway.replay import Received
from ssv_p2p_gateway.traffic import Traffic
from ssv_p2p_gateway.world import World
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.types.ids import CommitteeId, Instant, OperatorId
from ssv_protocol.validation.verdict import Accept, GossipReason, GossipVerdict, Ignore, Reject
from ssv_runtime.metrics import Metrics
from ssv_runtime.registry_client import RegistryView

Keys = dict[OperatorId, OperatorPrivateKey]
FOUR = (1, 2, 3, 4)


class Door:
    """A gate and what came through."""

    def __init__(self, keys: Keys, *, registered: bool = True) -> None:
        network = network_from_now()
        self.author = Author(network, keys, FOUR)
        self.through: list[tuple[CommitteeId, Received]] = []
        self.metrics = Metrics("p2p-gateway")
        self.traffic = Traffic(self.metrics)
        self.world = World(network)
        if registered:
            state = registry_state(keys, [FOUR])
            self.world.registry_came(RegistryView(state, head_block=state.block_number), Instant(time.time()))
        self.gate = Gate(self.world, self.traffic, structlog.get_logger(), lambda *came: self.through.append(came))

    def came(self, *topics: str, author: bytes = b"peer", signed: bool = False) -> GossipVerdict:
        return self.gate.came(topics, self.author.message(1), author, signed=signed, peer=b"peer")


def test_what_is_accepted_is_passed_on_with_its_time(keys: Keys) -> None:
    door = Door(keys)
    assert isinstance(door.came(door.author.topic), Accept)
    ((committee, received),) = door.through
    assert committee == door.author.committee
    assert received.unix_us // 1_000_000 >= door.author.network.chain.genesis_time_s
    assert door.traffic.accepted_by_topic == {door.author.topic: 1}


@pytest.mark.parametrize(
    ("topics", "author", "signed", "reason"),
    [
        ((), b"peer", False, GossipReason.PUBSUB_TOPICS),
        (("a", "b"), b"peer", False, GossipReason.PUBSUB_TOPICS),
        (("a",), b"peer", True, GossipReason.PUBSUB_SIGNATURE),
        (("a",), b"", False, GossipReason.PUBSUB_AUTHOR),
        (("a",), b"peer", False, GossipReason.WRONG_TOPIC),
    ],
)
def test_what_is_refused_is_counted_and_goes_nowhere(
    keys: Keys, topics: tuple[str, ...], author: bytes, signed: bool, reason: GossipReason
) -> None:
    door = Door(keys)
    assert not isinstance(door.came(*topics, author=author, signed=signed), Accept)
    assert door.through == []
    assert door.traffic.refused_by_reason == {reason: 1}


def test_before_the_registry_everything_is_ignored(keys: Keys) -> None:
    door = Door(keys, registered=False)
    assert isinstance(door.came(door.author.topic), Ignore)
    assert door.traffic.refused_by_reason == {GossipReason.NO_REGISTRY: 1}


def test_a_check_that_fails_drops_the_message_and_nothing_else(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a defect")

    door = Door(keys)
    with monkeypatch.context() as patch, capture_logs() as logs:
        patch.setattr(gate_module, "validate", broken)
        assert isinstance(door.came(door.author.topic), Ignore)
    assert door.traffic.refused_by_reason == {GossipReason.FAULT: 1}
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["validation failed"]
    assert isinstance(door.came(door.author.topic), Accept)


def test_what_a_peer_brings_is_held_against_its_earlier_messages_alone(keys: Keys) -> None:
    door = Door(keys)
    topic, data = door.author.topic, door.author.message(1)
    assert isinstance(door.gate.came([topic], data, b"peer", signed=False, peer=b"one"), Accept)
    answers = [
        door.gate.came([topic], data, author, signed=False, peer=peer)
        for author, peer in ((b"one", b"one"), (b"x", b"another"), (b"another", b"another"), (b"x", b"another"))
    ]
    assert [type(answer) for answer in answers] == [Reject, Accept, Reject, Ignore]
    assert door.traffic.refused_by_reason == {GossipReason.DUPLICATE: 3}
    assert door.metrics.registry.get_sample_value("ssv_p2p_gateway_gossip_withheld_total") == 1


def test_own_messages_may_be_said_again_and_are_still_heard_from_others(keys: Keys) -> None:
    door = Door(keys)
    own = door.author.message(1)
    for _ in range(2):
        assert isinstance(door.gate.judge_own(door.author.topic, own, time.time()), Accept)
    answer = door.gate.came([door.author.topic], own, b"peer", signed=False, peer=b"peer")
    assert isinstance(answer, Accept)
    assert not answer.forward
    assert len(door.through) == 1


def test_while_the_registry_is_not_followed_nobody_is_blamed_for_it(keys: Keys) -> None:
    door = Door(keys)
    stranger = door.author.message(9)
    for blames in (True, False):
        answer = door.gate.came([door.author.topic], stranger, b"peer", signed=False, peer=b"peer")
        assert isinstance(answer, Reject) is blames
        spared = door.metrics.registry.get_sample_value(
            "ssv_p2p_gateway_gossip_spared_total", {"reason": GossipReason.SIGNER_NOT_IN_COMMITTEE}
        )
        assert spared == (None if blames else 1)
        door.world.registry_lost()
