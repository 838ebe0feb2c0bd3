"""Handing a duty's signed objects to the beacon nodes: each kind by itself, so that one that fails hinders no other.

All nodes are given them, and one that takes them will do. While none says anything they are given them again.

Every operator of a committee hands over the same object, and nodes that know it already may answer with an error. A
refused block or exit therefore counts as taken when the node turns out to have it. Nodes that do not know the payload
of a blinded block cannot publish it; the leader's does, and the block comes to the others a moment later.

Not guaranteed: that what was not taken in time had no effect. Objects in the shape before Electra are not sent.

Source: beacon-APIs.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

from ssv_consensus.beacon_answers import BLOCK_DEADLINE_IN_SLOTS
from ssv_consensus.ports import Handed
from ssv_ethereum.beacon.errors import BatchRefused, BeaconError, BeaconTimeout, BeaconUnreachable
from ssv_ethereum.beacon.validators import NOT_LEAVING
from ssv_ethereum.pool.member import Ask
from ssv_ethereum.pool.pool import BeaconPool
from ssv_protocol.beacon_chain import BeaconFork
from ssv_protocol.effects import Submit
from ssv_protocol.errors import SsvError
from ssv_protocol.types.beacon.attestation import SignedElectraAggregateAndProof, SingleAttestation
from ssv_protocol.types.beacon.block_proposal import BlockProposal, SignedProposal
from ssv_protocol.types.beacon.exit import SignedVoluntaryExit
from ssv_protocol.types.ids import Slot, ValidatorIndex
from ssv_protocol.types.roles import BeaconRole

_log = logging.getLogger(__name__)
PATIENCE_SLOT_SHARE = 1 / 2
"""How long a duty's objects are handed over again to nodes that do not answer."""
_NOTHING: frozenset[Handed] = frozenset()
_LOOK_AGAIN_S = 0.2
_BEFORE_ELECTRA = "their shape is that of before Electra"
T = TypeVar("T")


class BeaconSubmissions:
    """Submissions to a pool; see `BeaconPort`."""

    def __init__(self, pool: BeaconPool) -> None:
        self._pool = pool
        self._chain = pool.chain

    async def submit(self, slot: Slot, work: Submit) -> frozenset[Handed]:
        """Hand over what a duty of `slot` ends with; return what no node took, which is told in the log.

        Of a validator with several contributions all count as refused when one is.
        """
        refused = await asyncio.gather(
            self._attestations(slot, work),
            self._sync_messages(slot, work),
            self._aggregates(slot, work),
            self._contributions(slot, work),
            self._registrations(slot, work),
            *(self._block(slot, signed) for signed in work.proposals),
            *(self._exit(slot, signed) for signed in work.exits),
        )
        return _NOTHING.union(*refused)

    async def _attestations(self, slot: Slot, work: Submit) -> frozenset[Handed]:
        role, singles = BeaconRole.ATTESTER, [item for item in work.attestations if isinstance(item, SingleAttestation)]
        if len(singles) < len(work.attestations):
            return _not_taken(slot, role, work.attesters, _BEFORE_ELECTRA)
        fork = self._fork_at(slot)
        return await _batch(
            slot,
            role,
            work.attesters,
            singles,
            lambda items: self._by_every(lambda node: node.attestations.submit(items, fork)),
        )

    async def _aggregates(self, slot: Slot, work: Submit) -> frozenset[Handed]:
        role, aggregators = BeaconRole.AGGREGATOR, [signed.message.aggregator_index for signed in work.aggregates]
        aggregates = [item for item in work.aggregates if isinstance(item, SignedElectraAggregateAndProof)]
        if len(aggregates) < len(work.aggregates):
            return _not_taken(slot, role, aggregators, _BEFORE_ELECTRA)
        fork = self._fork_at(slot)
        return await _batch(
            slot,
            role,
            aggregators,
            aggregates,
            lambda items: self._by_every(lambda node: node.attestations.publish_aggregates(items, fork)),
        )

    async def _sync_messages(self, slot: Slot, work: Submit) -> frozenset[Handed]:
        role, members = BeaconRole.SYNC_COMMITTEE, [message.validator_index for message in work.sync_messages]
        return await _batch(
            slot,
            role,
            members,
            work.sync_messages,
            lambda items: self._by_every(lambda node: node.sync_committee.submit_messages(items)),
        )

    async def _contributions(self, slot: Slot, work: Submit) -> frozenset[Handed]:
        role = BeaconRole.SYNC_COMMITTEE_CONTRIBUTION
        aggregators = [signed.message.aggregator_index for signed in work.contributions]
        return await _batch(
            slot,
            role,
            aggregators,
            work.contributions,
            lambda items: self._by_every(lambda node: node.sync_committee.publish_contributions(items)),
        )

    async def _registrations(self, slot: Slot, work: Submit) -> frozenset[Handed]:
        role = BeaconRole.VALIDATOR_REGISTRATION
        return await _batch(
            slot,
            role,
            work.registrants,
            work.registrations,
            lambda items: self._by_every(lambda node: node.proposers.register(items)),
        )

    async def _block(self, slot: Slot, signed: SignedProposal) -> frozenset[Handed]:
        proposal = signed.proposal
        deadline_s = BLOCK_DEADLINE_IN_SLOTS * self._chain.slot_duration_s
        try:
            encoded = signed.container.encode()
            await self._by_every(
                lambda node: node.blocks.publish(
                    encoded, proposal.fork, is_blinded=proposal.blinded, deadline_s=deadline_s
                )
            )
        except SsvError as error:
            if not await self._comes_to_have(proposal, deadline_s if proposal.blinded else 0.0):
                return _not_taken(slot, BeaconRole.PROPOSER, [proposal.block.proposer_index], error)
            _log.debug("slot %s: a node has the block: %s", slot, error)
        return _NOTHING

    async def _comes_to_have(self, proposal: BlockProposal, patience_s: float) -> bool:
        while not await self._has_block(proposal):
            if patience_s <= 0:
                return False
            patience_s -= _LOOK_AGAIN_S
            await asyncio.sleep(_LOOK_AGAIN_S)
        return True

    async def _has_block(self, proposal: BlockProposal) -> bool:
        try:
            root = proposal.root()
            known = await self._pool.first(
                lambda node: node.blocks.root(proposal.block.slot), good=lambda known: known == root
            )
            return known == root
        except BeaconError:
            return False

    async def _exit(self, slot: Slot, signed: SignedVoluntaryExit) -> frozenset[Handed]:
        index = signed.message.validator_index
        try:
            await self._by_every(lambda node: node.exits.submit(signed))
        except BeaconError as error:
            if not await self._is_leaving(index):
                return _not_taken(slot, BeaconRole.VOLUNTARY_EXIT, [index], error)
            _log.debug("slot %s: validator %s is leaving already: %s", slot, index, error)
        return _NOTHING

    async def _by_every(self, deed: Ask[None]) -> None:
        """Have every node do something, again as long as none of them says anything. Raises BeaconError."""
        loop = asyncio.get_running_loop()
        give_up = loop.time() + PATIENCE_SLOT_SHARE * self._chain.slot_duration_s
        while True:
            try:
                return await self._pool.every(deed)
            except (BeaconUnreachable, BeaconTimeout):
                if loop.time() + _LOOK_AGAIN_S >= give_up:
                    raise
                await asyncio.sleep(_LOOK_AGAIN_S)

    def _fork_at(self, slot: Slot) -> BeaconFork:
        return self._chain.fork_at(self._chain.epoch_of(slot)).fork

    async def _is_leaving(self, index: ValidatorIndex) -> bool:
        try:
            waiting = await self._pool.first(lambda node: node.exits.pool())
            if any(each.message.validator_index == index for each in waiting):
                return True
            infos = await self._pool.first(lambda node: node.validators.by_index([index]))
        except BeaconError:
            return False
        return index in infos and infos[index].exit_epoch != NOT_LEAVING


async def _batch(
    slot: Slot,
    role: BeaconRole,
    indices: Sequence[ValidatorIndex],
    objects: Sequence[T],
    send: Callable[[Sequence[T]], Awaitable[None]],
) -> frozenset[Handed]:
    """Send one object for each of `indices`, unless there are none; return what was not taken."""
    if not objects:
        return _NOTHING
    try:
        await send(objects)
    except BatchRefused as error:
        places = {failure.index for failure in error.failures}
        known = places <= set(range(len(indices)))
        return _not_taken(slot, role, [indices[place] for place in places] if known else indices, error)
    except SsvError as error:
        return _not_taken(slot, role, indices, error)
    return _NOTHING


def _not_taken(
    slot: Slot, role: BeaconRole, indices: Iterable[ValidatorIndex], why: SsvError | str
) -> frozenset[Handed]:
    refused = frozenset((role, index) for index in indices)
    names = sorted(index for _, index in refused)
    _log.warning("slot %s: not taken: %s of validators %s: %s", slot, role.name.lower(), names, why)
    return refused
