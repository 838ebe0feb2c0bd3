"""Metrics follow a real router, and the next one after it."""

from __future__ import annotations

from random import Random

from tests.support.gateway_messages import network_from_now

from ssv_gossipsub import PeerId, Protocol, Router
from ssv_gossipsub.wire import encode
from ssv_gossipsub.wire.rpc import Rpc, Subscription
from ssv_p2p_gateway.gossip.metrics import RouterMetrics
from ssv_p2p_gateway.gossip.parameters import router_parameters, score_parameters
from ssv_p2p_gateway.message_id import router_message_id
from ssv_runtime.metrics import Metrics

TOPIC, PEER = "ssv.v2.1", PeerId(b"peer")


def router() -> Router:
    made = Router(
        PeerId(b"own"),
        router_parameters(8, 128),
        score_parameters(network_from_now().chain),
        router_message_id,
        Random(1),
        0.0,
    )
    made.subscribe(TOPIC, 0.0)
    made.connected(PEER, Protocol.V1_1, outbound=True, addresses=["192.0.2.1"])
    made.receive(PEER, Rpc([Subscription(TOPIC, True)]), 0.0)
    message = encode.message(b"author", b"data", b"", TOPIC)
    made.receive(PEER, Rpc(messages=[message, message, message]), 0.0)
    made.heartbeat(1.0)
    return made


def test_what_routers_count_is_added_up_and_what_is_now_is_shown() -> None:
    metrics = Metrics("p2p-gateway")
    follower = RouterMetrics(metrics)

    def value(name: str, **labels: str) -> float | None:
        return metrics.registry.get_sample_value(f"ssv_p2p_gateway_{name}", labels)

    first = router()
    follower.follow(first)
    follower.follow(first)
    assert value("gossip_duplicates_total") == 2
    assert value("mesh_peers", topic=TOPIC) == 1
    assert value("topic_peers", topic=TOPIC) == 1
    assert value("peers_by_score", standing="good") == 1
    follower.follow(router())
    assert value("gossip_duplicates_total") == 4
    first.penalise(PEER, 100)
    first.unsubscribe(TOPIC, 1.0)
    follower.follow(first)
    assert value("mesh_peers", topic=TOPIC) is None
    assert value("topic_peers", topic=TOPIC) is None
    assert value("peers_by_score", standing="graylisted") == 1
