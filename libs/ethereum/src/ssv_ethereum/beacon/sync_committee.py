"""Messages and contributions of the sync committee.

Source: beacon-APIs, `submitPoolSyncCommitteeSignatures`, `produceSyncCommitteeContribution`,
`publishContributionAndProofs`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ssv_ethereum.beacon.answers import Envelope, to_hex
from ssv_ethereum.beacon.http import BeaconHttp, Query
from ssv_ethereum.beacon.ssz_json import from_json_answer
from ssv_protocol.types.beacon.sync_committee import (
    SignedContributionAndProof,
    SyncCommitteeContribution,
    SyncCommitteeMessage,
)
from ssv_protocol.types.ids import Root, Slot
from ssv_protocol.types.ssz_json import to_json


@dataclass(frozen=True, slots=True)
class SyncCommitteeApi:
    """Voting for the head as a sync committee member."""

    http: BeaconHttp

    async def submit_messages(self, messages: Sequence[SyncCommitteeMessage]) -> None:
        """Submit messages in one request; one a validator stands for all its seats.

        Raises:
            BatchRefused: some were refused; the others were taken.
            BeaconError: the request as a whole failed.
        """
        await self.http.submit("/eth/v1/beacon/pool/sync_committees", [to_json(item) for item in messages])

    async def contribution(self, slot: Slot, subcommittee_index: int, block_root: Root) -> SyncCommitteeContribution:
        """Return the node's best contribution of a subcommittee over `block_root`.

        Raises BeaconError; BeaconRefused 404 when the node has seen no such message.
        """
        path = "/eth/v1/validator/sync_committee_contribution"
        query: Query = {
            "slot": slot,
            "subcommittee_index": subcommittee_index,
            "beacon_block_root": to_hex(block_root),
        }
        answer = await self.http.get(path, Envelope[dict[str, Any]], query)
        return from_json_answer(SyncCommitteeContribution, answer.data, self.http.endpoint, f"GET {path}")

    async def publish_contributions(self, contributions: Sequence[SignedContributionAndProof]) -> None:
        """Publish contributions. Raises as `submit_messages`."""
        body = [to_json(contribution) for contribution in contributions]
        await self.http.submit("/eth/v1/validator/contribution_and_proofs", body)
