"""An RPC: what peers send each other on the gossip stream.

Source: pubsub specification, "The RPC"; GossipSub v1.0 "Control Messages", v1.1 "PRUNE Backoff", v1.2 "IDONTWANT".
Peer exchange is not read: the `peers` of a PRUNE are skipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ssv_gossipsub.wire.message import Message


class Subscription(NamedTuple):
    """A peer joins or leaves a topic."""

    topic: str
    subscribe: bool


class IHave(NamedTuple):
    """Ids of messages that the sender has, of one topic."""

    topic: str
    ids: Sequence[bytes]


class Prune(NamedTuple):
    """The sender drops us from its mesh; no GRAFT is welcome for `backoff_s` seconds (0: not said)."""

    topic: str
    backoff_s: int


@dataclass(slots=True)
class Control:
    """Everything about meshes and gossip in one RPC; ids of several IWANTs or IDONTWANTs are joined."""

    ihave: Sequence[IHave] = ()
    iwant: Sequence[bytes] = ()
    graft: Sequence[str] = ()
    prune: Sequence[Prune] = ()
    idontwant: Sequence[bytes] = ()


@dataclass(slots=True)
class Rpc:
    """One frame of the gossip stream. Not frozen for speed only; treat it as a value."""

    subscriptions: Sequence[Subscription] = ()
    messages: Sequence[Message] = ()
    control: Control | None = None
