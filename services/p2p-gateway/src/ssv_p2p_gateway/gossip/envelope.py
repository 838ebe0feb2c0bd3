"""What brings a message is looked at before its content, and refusals are counted as those of the content are.

Source: ssvlabs/ssv network/topics/pubsub.go (StrictNoSign, with the author).
"""

from __future__ import annotations

from ssv_gossipsub import EnvelopeCheck, Message, Verdict, unsigned_with_author
from ssv_p2p_gateway.traffic import Traffic
from ssv_protocol.validation.verdict import GossipReason, Ignore, Reject


def counted_envelope_check(traffic: Traffic) -> EnvelopeCheck:
    """Return the network's check of envelopes, with its refusals counted."""

    def check(message: Message) -> Verdict:
        verdict = unsigned_with_author(message)
        if verdict is Verdict.REJECT:
            traffic.refused(Reject(GossipReason.PUBSUB_SIGNATURE))
        elif verdict is Verdict.IGNORE:
            traffic.refused(Ignore(GossipReason.PUBSUB_AUTHOR))
        return verdict

    return check
