"""How the SSV network sets GossipSub, and how it scores peers.

The degree alone is a setting: of whole messages a node sends and gets about `degree` copies. Bounds of memory are ours.

The penalties that matter: 20 rejected messages in one topic (P4), or some 48 broken promises, GRAFTs in backoff or
undecodable RPCs (P7), bring a peer down to the graylist, and it takes epochs to come back. P3 and P5 are switched off.

Source: ssvlabs/ssv network/topics/params (peer_score.go, topic_score.go, gossipsub.go) and network/topics/pubsub.go.
"""

from __future__ import annotations

from collections.abc import Mapping

from ssv_gossipsub import (
    RouterParameters,
    ScoreParameters,
    ScoreThresholds,
    TopicScoreParameters,
    WireLimits,
    decay_over,
)
from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.validation.limits import MAX_MESSAGE_BYTES
from ssv_protocol.validation.topology import TOPIC_COUNT

NETWORK_DEGREE = 8
HEARTBEAT_S = 0.7
SEEN_S = 550 * HEARTBEAT_S
MAX_RPC_BYTES = MAX_MESSAGE_BYTES + 64 * 1024
"""One message of the largest size, and what pubsub wraps it in."""
WIRE_LIMITS = WireLimits()

THRESHOLDS = ScoreThresholds(gossip=-4000, publish=-8000, graylist=-16_000, opportunistic_graft=5)
TOPICS_WEIGHT = 4.0
TOPIC_WEIGHT = TOPICS_WEIGHT / TOPIC_COUNT
TOPIC_SCORE_CAP = 32.72
_MOST_TIME_IN_MESH, _MOST_FIRST_DELIVERIES = 10.0, 80.0
_TIME_IN_MESH_CAP_S = 3600.0
_INVALID_MESSAGES_TO_GRAYLIST = 20
_ADDRESS_WEIGHT, _PEERS_PER_ADDRESS = -TOPIC_SCORE_CAP, 10
_BEHAVIOUR_THRESHOLD, _BEHAVIOUR_PER_EPOCH = 6.0, 10.0
_RETAIN_EPOCHS = 100


def router_parameters(degree: int, topics: int) -> RouterParameters:
    """Return the router's parameters for a mesh of `degree` peers, 3 to 8, and a network of so many topics."""
    return RouterParameters(
        d=degree,
        d_low=3 * degree // 4,
        d_high=3 * degree // 2,
        d_score=min(4, degree),
        d_out=min(2, degree // 2),
        heartbeat_s=HEARTBEAT_S,
        history_length=6,
        history_gossip=4,
        max_ihave_length=1500,
        max_ihave_messages=32,
        seen_ttl_s=SEEN_S,
        max_subscriptions=topics + 1,
        max_validating=512,
        max_outbox_messages=512,
        max_outbox_bytes=4 * MAX_MESSAGE_BYTES,
    )


def score_parameters(chain: BeaconChain, *, by_address: bool = True) -> ScoreParameters:
    """Return how peers are scored before any topic is known; `by_address` counts against peers that share one."""
    epoch_s = epoch_duration_s(chain)
    behaviour_decay = decay_over(10 * epoch_s, epoch_s)
    excess = _at_rest(behaviour_decay, _BEHAVIOUR_PER_EPOCH) - _BEHAVIOUR_THRESHOLD
    return ScoreParameters(
        thresholds=THRESHOLDS,
        topic_score_cap=TOPIC_SCORE_CAP,
        ip_colocation_weight=_ADDRESS_WEIGHT if by_address else 0.0,
        ip_colocation_threshold=_PEERS_PER_ADDRESS,
        behaviour_penalty_weight=THRESHOLDS.gossip / excess**2,
        behaviour_penalty_threshold=_BEHAVIOUR_THRESHOLD,
        behaviour_penalty_decay=behaviour_decay,
        decay_interval_s=epoch_s,
        decay_to_zero=0.01,
        retain_score_s=_RETAIN_EPOCHS * epoch_s,
    )


def topic_scores(chain: BeaconChain, messages_per_epoch: Mapping[str, float]) -> dict[str, TopicScoreParameters]:
    """Return the parameters of topics by how many messages each is expected to carry in an epoch."""
    return {topic: _topic(chain, expected) for topic, expected in messages_per_epoch.items()}


def epoch_duration_s(chain: BeaconChain) -> float:
    """Return the length of an epoch, which is also that between two decays of all counters."""
    return chain.slots_per_epoch * chain.slot_duration_s


def _topic(chain: BeaconChain, messages_per_epoch: float) -> TopicScoreParameters:
    epoch_s = epoch_duration_s(chain)
    first_decay = decay_over(4 * epoch_s, epoch_s)
    first_cap = _at_rest(first_decay, 2 * messages_per_epoch / NETWORK_DEGREE) or 1.0
    time_cap = _TIME_IN_MESH_CAP_S / chain.slot_duration_s
    return TopicScoreParameters(
        topic_weight=TOPIC_WEIGHT,
        time_in_mesh_weight=_MOST_TIME_IN_MESH / time_cap,
        time_in_mesh_quantum_s=chain.slot_duration_s,
        time_in_mesh_cap=time_cap,
        first_message_deliveries_weight=_MOST_FIRST_DELIVERIES / first_cap,
        first_message_deliveries_decay=first_decay,
        first_message_deliveries_cap=first_cap,
        invalid_message_deliveries_weight=THRESHOLDS.graylist / (TOPIC_WEIGHT * _INVALID_MESSAGES_TO_GRAYLIST**2),
        invalid_message_deliveries_decay=decay_over(100 * epoch_s, epoch_s),
    )


def _at_rest(decay: float, per_interval: float) -> float:
    """Return where a counter ends up that grows evenly and decays every interval."""
    return per_interval / (1 - decay)
