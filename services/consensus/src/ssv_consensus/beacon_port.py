"""What a committee duty wants of a real beacon node, on the client of `ssv_ethereum`."""

from __future__ import annotations

import asyncio
import logging

from ssv_ethereum.beacon.errors import BatchRefused, BeaconError
from ssv_ethereum.beacon.node import BeaconNode
from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.effects import Submit
from ssv_protocol.types.beacon.attestation import AttestationData, SingleAttestation
from ssv_protocol.types.ids import Slot, ValidatorIndex

_log = logging.getLogger(__name__)


class BeaconNodePort:
    """One beacon node as `ports.BeaconApi`."""

    def __init__(self, node: BeaconNode, chain: BeaconChain) -> None:
        self._node = node
        self._chain = chain

    async def attestation_data(self, slot: Slot) -> AttestationData:
        """Return what to attest in `slot`; raises BeaconError."""
        return await self._node.attestations.data(slot)

    async def submit(self, slot: Slot, work: Submit) -> frozenset[ValidatorIndex]:
        """Submit attestations and sync committee messages; return the attesters that were refused."""
        refused, _ = await asyncio.gather(self._attestations(slot, work), self._sync_messages(slot, work))
        return refused

    async def _attestations(self, slot: Slot, work: Submit) -> frozenset[ValidatorIndex]:
        singles = [item for item in work.attestations if isinstance(item, SingleAttestation)]
        if not singles:
            return frozenset()
        try:
            await self._node.attestations.submit(singles, self._chain.fork_at(self._chain.epoch_of(slot)).fork)
        except BatchRefused as error:
            _log.warning("slot %s: %s", slot, error)
            return frozenset(work.attesters[failure.index] for failure in error.failures)
        except BeaconError as error:
            _log.warning("slot %s: attestations not handed over: %s", slot, error)
            return frozenset(work.attesters)
        return frozenset()

    async def _sync_messages(self, slot: Slot, work: Submit) -> None:
        if not work.sync_messages:
            return
        try:
            await self._node.sync_committee.submit_messages(work.sync_messages)
        except BeaconError as error:
            _log.warning("slot %s: sync committee messages: %s", slot, error)
