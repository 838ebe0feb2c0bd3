"""What is told ahead about those who will propose: to the node whom to pay, to builders whom to pay and how much gas.

A node forgets preparations after two epochs, builders forget registrations when they please: both are repeated.
Large sets go out in batches, one after the other.

Source: beacon-APIs, `prepareBeaconProposer`, `registerValidator`; builder-specs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ssv_ethereum.beacon.answers import to_hex
from ssv_ethereum.beacon.http import BeaconHttp
from ssv_protocol.types.beacon.registration import SignedValidatorRegistration
from ssv_protocol.types.ids import ExecutionAddress, ValidatorIndex
from ssv_protocol.types.ssz_json import to_json

_BATCH = 500


@dataclass(frozen=True, slots=True)
class ProposersApi:
    """Preparations and registrations."""

    http: BeaconHttp

    async def prepare(self, fee_recipients: Mapping[ValidatorIndex, ExecutionAddress]) -> None:
        """Tell who gets the fees of each validator's blocks; nothing is sent for nobody.

        Raises BeaconError; batches before the one that failed were taken.
        """
        path = "/eth/v1/validator/prepare_beacon_proposer"
        body = [
            {"validator_index": str(index), "fee_recipient": to_hex(address)}
            for index, address in fee_recipients.items()
        ]
        for first in range(0, len(body), _BATCH):
            await self.http.submit(path, body[first : first + _BATCH])

    async def register(self, registrations: Sequence[SignedValidatorRegistration]) -> None:
        """Hand registrations to the builders that the node knows; nothing is sent without any.

        Raises BeaconError; batches before the one that failed were taken. A node without builders refuses, and a node
        answers for all of a batch together.
        """
        body = [to_json(registration) for registration in registrations]
        for first in range(0, len(body), _BATCH):
            await self.http.submit("/eth/v1/validator/register_validator", body[first : first + _BATCH])
