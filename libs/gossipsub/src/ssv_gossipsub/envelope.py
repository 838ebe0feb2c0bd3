"""What a message must look like before anybody looks into it.

Source: pubsub specification, "Message Signing" (StrictNoSign); go-libp2p-pubsub lets the author and the seqno stay. Ids
by content cannot tell a signed copy from an unsigned one, so this is checked before a message counts as seen: a copy
with a bad envelope never stands in for a good one.
"""

from __future__ import annotations

from collections.abc import Callable

from ssv_gossipsub.verdict import Verdict
from ssv_gossipsub.wire.message import Message

EnvelopeCheck = Callable[[Message], Verdict]
"""Accept goes on, Ignore drops the message, Reject counts it against the peer that sent it. Must not raise."""


def unsigned_with_author(message: Message) -> Verdict:
    """StrictNoSign with authors: neither signature nor key, but a `from`."""
    if message.signature is not None or message.key is not None:
        return Verdict.REJECT
    return Verdict.ACCEPT if message.author else Verdict.IGNORE
