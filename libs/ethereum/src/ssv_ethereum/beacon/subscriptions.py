"""Telling the node which attestation subnets its validators need.

Source: beacon-APIs, `prepareBeaconCommitteeSubnet`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ssv_ethereum.beacon.duties import AttesterDuty
from ssv_ethereum.beacon.http import BeaconHttp


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
