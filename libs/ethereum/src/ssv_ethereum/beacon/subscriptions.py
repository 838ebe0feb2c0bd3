"""Telling the node which subnets its validators need, of attestations and of the sync committee.

Source: beacon-APIs, `prepareBeaconCommitteeSubnet`, `prepareSyncCommitteeSubnets`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ssv_ethereum.beacon.duties import AttesterDuty, SyncDuty
from ssv_ethereum.beacon.http import BeaconHttp
from ssv_protocol.types.ids import Epoch


@dataclass(frozen=True, slots=True)
class SubscriptionsApi:
    """Subnet subscriptions."""

    http: BeaconHttp

    async def committees(self, duties: Iterable[AttesterDuty], *, is_aggregator: bool) -> None:
        """Subscribe to the subnets of these duties; nothing is sent without duties. Raises BeaconError."""
        body = [
            {
                "validator_index": str(duty.validator_index),
                "committee_index": str(duty.committee_index),
                "committees_at_slot": str(duty.committees_at_slot),
                "slot": str(duty.slot),
                "is_aggregator": is_aggregator,
            }
            for duty in duties
        ]
        if body:
            await self.http.submit("/eth/v1/validator/beacon_committee_subscriptions", body)

    async def sync_committee(self, duties: Iterable[SyncDuty], until_epoch: Epoch) -> None:
        """Subscribe to the subnets of these seats until `until_epoch` begins; nothing is sent without duties.

        Raises BeaconError.
        """
        body = [
            {
                "validator_index": str(duty.validator_index),
                "sync_committee_indices": [str(position) for position in duty.positions],
                "until_epoch": str(until_epoch),
            }
            for duty in duties
        ]
        if body:
            await self.http.submit("/eth/v1/validator/sync_committee_subscriptions", body)
