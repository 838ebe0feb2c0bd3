"""Parameters of the router.

Defaults are the specification's and go-libp2p-pubsub's where the specification has none; a network gives its own.
Source: GossipSub v1.0 "Parameters", v1.1 "Overview of New Parameters", v1.2 "Parameters". Bounds of memory, at the end,
are ours.
"""

from __future__ import annotations

from dataclasses import dataclass

from ssv_gossipsub.checks import at_least, positive, require


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterParameters:
    """How the mesh is kept and how much each peer may cause. Raises ParameterError."""

    # mesh
    d: int = 6
    d_low: int = 5
    d_high: int = 12
    d_score: int = 4
    """How many of the best stay when the mesh is cut down."""
    d_out: int = 2
    """How many peers of the mesh are to be ones that we dialled."""
    heartbeat_s: float = 1.0
    prune_backoff_s: float = 60.0
    unsubscribe_backoff_s: float = 10.0
    max_backoff_s: float = 3600.0
    """What a peer asks for beyond is cut."""
    backoff_slack_heartbeats: int = 2
    """How many heartbeats later than allowed we graft again: the other's clock and heartbeat are not ours."""
    graft_flood_s: float = 10.0
    """A GRAFT this soon after a PRUNE counts twice."""
    opportunistic_graft_heartbeats: int = 60
    opportunistic_graft_peers: int = 2
    fanout_ttl_s: float = 60.0
    # gossip
    d_lazy: int = 6
    gossip_factor: float = 0.25
    history_length: int = 5
    history_gossip: int = 3
    max_ihave_length: int = 5000
    """Message ids in an IHAVE of ours, and ids asked of one peer, in a heartbeat."""
    max_ihave_messages: int = 10
    """RPCs with IHAVE taken of one peer in a heartbeat."""
    iwant_followup_s: float = 3.0
    gossip_retransmission: int = 3
    """How often one peer gets one message by IWANT."""
    # IDONTWANT
    idontwant_min_bytes: int = 1024
    """Smaller messages cost less than telling peers that they are here."""
    max_idontwant_length: int = 10
    """Ids in an IDONTWANT, ours and others'."""
    max_idontwant_messages: int = 1000
    """RPCs with IDONTWANT taken of one peer in a heartbeat."""
    idontwant_ttl_heartbeats: int = 3
    # bounds
    seen_ttl_s: float = 120.0
    max_seen: int = 1_000_000
    max_subscriptions: int = 128
    """Of a peer, and in one RPC; an RPC with more is ignored."""
    max_validating: int = 512
    max_validation_s: float = 30.0
    """A message without a verdict for so long is ignored."""
    max_deliveries: int = 8192
    """Rejected messages whose copies still count, and accepted ones within their window."""
    max_outbox_messages: int = 512
    max_outbox_bytes: int = 64 << 20
    max_cache_bytes: int = 128 << 20
    max_unwanted: int = 4096
    """Ids kept of what one peer does not want."""
    max_backoffs: int = 4096
    """Peers with a backoff, per topic."""

    def __post_init__(self) -> None:
        at_least("d_low", self.d_low, 1)
        require(self.d_low <= self.d <= self.d_high, "d", "must be between d_low and d_high")
        require(0 <= self.d_score <= self.d, "d_score", "must be between 0 and d")
        require(
            0 <= self.d_out < self.d_low and self.d_out <= self.d / 2, "d_out", "must be below d_low, at most d / 2"
        )
        require(0 <= self.gossip_factor <= 1, "gossip_factor", "must be between 0 and 1")
        require(0 < self.history_gossip <= self.history_length, "history_gossip", "must be 1 to history_length")
        for name in ("heartbeat_s", "prune_backoff_s", "unsubscribe_backoff_s", "fanout_ttl_s", "iwant_followup_s"):
            positive(name, getattr(self, name))
        for name in ("seen_ttl_s", "max_validation_s", "graft_flood_s"):
            positive(name, getattr(self, name))
        require(self.max_backoff_s >= self.prune_backoff_s, "max_backoff_s", "must not be below prune_backoff_s")
        for name in self.__slots__:
            if name.startswith("max_") or name.endswith("_heartbeats"):
                at_least(name, getattr(self, name), 1)
        at_least("d_lazy", self.d_lazy, 0)
        at_least("idontwant_min_bytes", self.idontwant_min_bytes, 0)
        at_least("gossip_retransmission", self.gossip_retransmission, 0)
        at_least("opportunistic_graft_peers", self.opportunistic_graft_peers, 0)
