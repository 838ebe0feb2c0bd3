"""What breaks each rule alone: `Case`s by rule number, with the verdict as the network's rules list it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from libs.protocol.tests.signing.world import CLOCK, COMMITTEE, NETWORK, keys
from libs.protocol.tests.validation.gossip_world import NOW, TOPIC, knowledge

from ssv_protocol.types.ids import Instant, MessageId, OperatorId
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.validation.incoming import Knowledge
from ssv_protocol.validation.verdict import GossipReason, Ignore, Reject

Make = Callable[[], SignedSSVMessage | bytes]
DOMAIN = NETWORK.domain_at(CLOCK)
IGNORE, REJECT = Ignore, Reject


@dataclass(frozen=True)
class Case:
    """A message that breaks a rule after `before` were accepted."""

    rule: int
    verdict: type[Ignore] | type[Reject]
    reason: GossipReason
    make: Make
    before: Sequence[Make] = ()
    at: Instant = NOW
    topic: str = TOPIC
    known: Callable[[], Knowledge] = field(default=knowledge)


def other_id(domain: bytes = DOMAIN, role: int = 0, executor: bytes = bytes(16) + COMMITTEE) -> MessageId:
    return MessageId(domain + role.to_bytes(4, "little") + executor)


def resigned(message: SignedSSVMessage, *signers: int) -> SignedSSVMessage:
    """Sign with the keys of others than the envelope names."""
    return replace(message, signatures=tuple(keys()[OperatorId(key)].sign(message.ssv_message) for key in signers))
