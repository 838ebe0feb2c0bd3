"""The ports of a duty inside one process: a local signer off the event loop, gossip by a plain call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ssv_consensus.ports import Offload, SignVerdict
from ssv_devnet.committee.local_signer import LocalSigner
from ssv_protocol.effects import Draft
from ssv_protocol.types.ids import Instant, Slot
from ssv_protocol.types.messages import SignedSSVMessage


@dataclass(frozen=True, slots=True)
class LocalSignerPort:
    """`ssv_consensus.ports.Signer` on a signer that blocks."""

    signer: LocalSigner
    offload: Offload

    async def sign(self, draft: Draft, deadline: Instant) -> SignVerdict:
        """Return the verdict, whatever the time."""
        return await self.offload(lambda: self.signer.sign(draft))


@dataclass(frozen=True, slots=True)
class CallGossip:
    """`ssv_consensus.ports.Gossip` that hands messages to a function."""

    send: Callable[[SignedSSVMessage], None]

    async def publish(self, message: SignedSSVMessage, slot: Slot, deadline: Instant) -> bool:
        """Hand the message over; it always counts as taken."""
        self.send(message)
        return True
