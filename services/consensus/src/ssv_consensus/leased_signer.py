"""The signer as one committee sees it: each request comes with its lease, each answer brings that up to date.

A refusal that a new claim may lift is asked about once more; what is refused for good is for the duty to know.
"""

from __future__ import annotations

import asyncio

from ssv_consensus.lease_keeper import LeaseKeeper
from ssv_consensus.ports import Failed, SignVerdict
from ssv_consensus.signer_client import SignerClient
from ssv_protocol.effects import Draft
from ssv_protocol.signing.leases import Lease
from ssv_protocol.signing.verdict import Denied
from ssv_protocol.types.ids import CommitteeId, Instant

_TRIES = 2


class LeasedSigner:
    """`ports.Signer` of one committee."""

    def __init__(self, committee: CommitteeId, client: SignerClient, keeper: LeaseKeeper) -> None:
        self._committee = committee
        self._client = client
        self._keeper = keeper

    async def sign(self, draft: Draft, deadline: Instant) -> SignVerdict:
        """Return the signer's verdict, or Failed when `deadline` has come without one."""
        verdict: SignVerdict = Failed("no lease before the duty's deadline")
        for _ in range(_TRIES):
            try:
                async with asyncio.timeout(max(0.0, deadline - self._client.now())):
                    lease = await self._keeper.ready(self._committee)
            except TimeoutError:
                return verdict
            if isinstance(lease, Denied):
                return lease
            verdict = await self._client.sign(draft, deadline, lease, self._told)
            if not isinstance(verdict, Denied) or not self._keeper.refused(self._committee, lease, verdict):
                break
        return verdict

    def _told(self, lease: Lease) -> None:
        self._keeper.told(self._committee, lease)
