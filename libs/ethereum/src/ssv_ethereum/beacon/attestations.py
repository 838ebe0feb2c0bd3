"""Attestation data, attestations and aggregates, in the shapes since Electra.

Source: beacon-APIs, `produceAttestationData`, `submitPoolAttestationsV2`, `getAggregatedAttestationV2`,
`publishAggregateAndProofsV2`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ssv_ethereum.beacon.answers import Envelope, to_hex
from ssv_ethereum.beacon.http import BeaconHttp, Query
from ssv_ethereum.beacon.ssz_json import from_json_answer
from ssv_ethereum.beacon.versions import version_header
from ssv_protocol.beacon_chain import BeaconFork
from ssv_protocol.types.beacon.attestation import (
    AttestationData,
    ElectraAttestation,
    SignedElectraAggregateAndProof,
    SingleAttestation,
)
from ssv_protocol.types.ids import Root, Slot
from ssv_protocol.types.ssz_json import to_json

_COMMITTEE_OF_ALL = 0
"""Since Electra the signed data is the same for all committees of a slot, with index 0 (EIP-7549)."""


@dataclass(frozen=True, slots=True)
class AttestationsApi:
    """Attesting and aggregating."""

    http: BeaconHttp

    async def data(self, slot: Slot) -> AttestationData:
        """Return what to attest in `slot`, exactly as the node gave it. Raises BeaconError."""
        path = "/eth/v1/validator/attestation_data"
        query: Query = {"slot": slot, "committee_index": _COMMITTEE_OF_ALL}
        answer = await self.http.get(path, Envelope[dict[str, Any]], query)
        return from_json_answer(AttestationData, answer.data, self.http.endpoint, f"GET {path}")

    async def submit(self, attestations: Sequence[SingleAttestation], fork: BeaconFork) -> None:
        """Submit attestations of slots under `fork` in one request.

        Raises:
            BatchRefused: some were refused; the others were taken.
            BeaconError: the request as a whole failed.
        """
        body = [to_json(attestation) for attestation in attestations]
        await self.http.submit("/eth/v2/beacon/pool/attestations", body, version_header(fork))

    async def aggregate(self, slot: Slot, data_root: Root, committee_index: int) -> ElectraAttestation:
        """Return the node's best aggregate of one committee over AttestationData of root `data_root`.

        Raises BeaconError; BeaconRefused 404 when the node has seen no such attestation.
        """
        path = "/eth/v2/validator/aggregate_attestation"
        query: Query = {
            "attestation_data_root": to_hex(data_root),
            "slot": slot,
            "committee_index": committee_index,
        }
        answer = await self.http.get(path, Envelope[dict[str, Any]], query)
        return from_json_answer(ElectraAttestation, answer.data, self.http.endpoint, f"GET {path}")

    async def publish_aggregates(self, aggregates: Sequence[SignedElectraAggregateAndProof], fork: BeaconFork) -> None:
        """Publish aggregates of slots under `fork`. Raises as `submit`."""
        body = [to_json(aggregate) for aggregate in aggregates]
        await self.http.submit("/eth/v2/validator/aggregate_and_proofs", body, version_header(fork))
