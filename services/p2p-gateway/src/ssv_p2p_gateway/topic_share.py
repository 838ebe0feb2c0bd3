"""Which topics this one of an operator's gateways listens to, where the operator runs several.

Each topic is on two of them, so that one may die; who they are, all gateways find alike from who is alive. While views
differ for a moment a topic may be on one or on three, which harms nobody: workers forget what comes twice, and what is
published twice has one id.

Source: architecture §3 (p2p-gateway).
"""

from __future__ import annotations

from ssv_runtime.membership import ranked

COPIES = 2


class TopicShare:
    """The share of gateway `own`; `members` are those alive, None while that is not known."""

    def __init__(self, own: str, gateways: int) -> None:
        self.members: frozenset[str] | None = None
        self.is_shared = gateways > 1
        self._own = own

    def has(self, topic: str) -> bool:
        """Tell whether the topic is this gateway's; of one alone, every topic is."""
        if not self.is_shared:
            return True
        return self.members is not None and self._own in ranked(topic, self.members)[:COPIES]
