"""Every duty of every validator of a devnet, slot after slot, through a worker's beacon port.

Where a worker would have the committee agree and sign, the interop keys sign at once. What fails or is refused is
taken down, and no duty waits for another.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable
from dataclasses import dataclass, field
from functools import cache
from typing import TypeVar

from ssv_consensus.beacon_port import BeaconPort
from ssv_devnet.interop import interop_secret_key
from ssv_ethereum.beacon.duties import AttesterDuty, SyncDuty
from ssv_ethereum.pool.pool import BeaconPool
from ssv_ethereum.slot_clock import SlotClock
from ssv_protocol.crypto.bls import SecretKey
from ssv_protocol.crypto.signing_root import (
    DOMAIN_AGGREGATE_AND_PROOF,
    DOMAIN_BEACON_ATTESTER,
    DOMAIN_BEACON_PROPOSER,
    DOMAIN_CONTRIBUTION_AND_PROOF,
    DOMAIN_RANDAO,
    DOMAIN_SELECTION_PROOF,
    DOMAIN_SYNC_COMMITTEE,
    DOMAIN_SYNC_COMMITTEE_SELECTION_PROOF,
    compute_signing_root,
    uint64_root,
)
from ssv_protocol.effects import (
    Event,
    Fetch,
    FetchAggregateAndProof,
    FetchAttestationData,
    FetchBlock,
    FetchBlockRoot,
    FetchContribution,
    FetchContributions,
    FetchedAggregateAndProof,
    FetchedAttestationData,
    FetchedBlock,
    FetchedBlockRoot,
    FetchedContributions,
    Submit,
)
from ssv_protocol.errors import SsvError
from ssv_protocol.runners.selection import is_sync_aggregator, subcommittee_of
from ssv_protocol.types.beacon.attestation import SignedElectraAggregateAndProof, SingleAttestation
from ssv_protocol.types.beacon.block_proposal import SignedProposal
from ssv_protocol.types.beacon.sync_committee import (
    ContributionAndProof,
    SignedContributionAndProof,
    SyncAggregatorSelectionData,
    SyncCommitteeMessage,
)
from ssv_protocol.types.ids import BlsSignature, Epoch, Root, Slot, ValidatorIndex

T = TypeVar("T", bound=Event)
_key = cache(interop_secret_key)


@dataclass
class SlotDuties:
    """The duties of all `indices`; `problems` and the slowest answers are kept by slot."""

    pool: BeaconPool
    clock: SlotClock
    indices: tuple[ValidatorIndex, ...]
    problems: dict[Slot, list[str]] = field(default_factory=lambda: defaultdict(list))
    slowest_s: dict[Slot, float] = field(default_factory=lambda: defaultdict(float))
    _attesters: dict[Slot, list[AttesterDuty]] = field(default_factory=lambda: defaultdict(list))
    _proposers: dict[Slot, ValidatorIndex] = field(default_factory=dict)
    _sync: dict[Epoch, tuple[SyncDuty, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.chain = self.pool.chain
        self.port = BeaconPort(self.pool, builder_boost_percent=0)

    async def learn(self, epoch: Epoch) -> None:
        """Ask for an epoch's duties. Raises BeaconError."""
        for duty in (await self.pool.first(lambda node: node.duties.attester(epoch, self.indices))).duties:
            self._attesters[duty.slot].append(duty)
        for proposer in (await self.pool.first(lambda node: node.duties.proposer(epoch))).duties:
            self._proposers[proposer.slot] = proposer.validator_index
        self._sync[epoch] = await self.pool.first(lambda node: node.duties.sync(epoch, self.indices))

    async def do(self, slot: Slot) -> None:
        """Do everything in its time: a block, votes at a third of the slot, aggregates at two thirds."""
        third_s = self.chain.slot_duration_s / 3
        await self.clock.wait_for_slot(slot)
        proposing = asyncio.create_task(self._noted(slot, "block", self._propose(slot)))
        await self.clock.wait_for_slot(slot, third_s)
        voting = asyncio.create_task(self._noted(slot, "attestations", self._attest(slot)))
        syncing = asyncio.create_task(self._noted(slot, "sync messages", self._vote_for_head(slot)))
        await self.clock.wait_for_slot(slot, 2 * third_s)
        await asyncio.gather(proposing, voting, syncing)
        head = syncing.result()
        contributing = [] if head is None else [self._noted(slot, "contributions", self._contribute(slot, head))]
        await asyncio.gather(self._noted(slot, "aggregates", self._aggregate(slot)), *contributing)

    async def _noted(self, slot: Slot, what: str, work: Awaitable[Root | None]) -> Root | None:
        try:
            return await work
        except SsvError as error:
            self.problems[slot].append(f"{what}: {error}")
            return None

    async def _ask(self, slot: Slot, question: Fetch, wanted: type[T]) -> T:
        begun = time.monotonic()
        answer = await self.port.answer(question)
        self.slowest_s[slot] = max(self.slowest_s[slot], time.monotonic() - begun)
        assert isinstance(answer, wanted)
        return answer

    async def _submit(self, slot: Slot, work: Submit) -> None:
        for role, index in await self.port.submit(slot, work):
            self.problems[slot].append(f"{role.name.lower()} of validator {index} not taken")

    def _sign(self, index: ValidatorIndex, slot: Slot, root: Root, domain_type: bytes) -> BlsSignature:
        key: SecretKey = _key(index)
        return key.sign(compute_signing_root(root, self.chain.domain(domain_type, self.chain.epoch_of(slot))))

    async def _propose(self, slot: Slot) -> None:
        index = self._proposers[slot]
        reveal = self._sign(index, slot, uint64_root(self.chain.epoch_of(slot)), DOMAIN_RANDAO)
        proposal = (await self._ask(slot, FetchBlock(slot, reveal, b"port"), FetchedBlock)).proposal
        signature = self._sign(index, slot, proposal.root(), DOMAIN_BEACON_PROPOSER)
        await self._submit(slot, Submit(proposals=(SignedProposal(proposal, signature),)))

    async def _attest(self, slot: Slot) -> None:
        data = (await self._ask(slot, FetchAttestationData(slot), FetchedAttestationData)).data
        root, duties = data.hash_tree_root(), self._attesters[slot]
        singles = tuple(
            SingleAttestation(
                duty.committee_index,
                duty.validator_index,
                data,
                self._sign(duty.validator_index, slot, root, DOMAIN_BEACON_ATTESTER),
            )
            for duty in duties
        )
        await self._submit(slot, Submit(attesters=tuple(duty.validator_index for duty in duties), attestations=singles))

    async def _vote_for_head(self, slot: Slot) -> Root:
        head = (await self._ask(slot, FetchBlockRoot(slot), FetchedBlockRoot)).block_root
        messages = tuple(
            SyncCommitteeMessage(slot, head, index, self._sign(index, slot, head, DOMAIN_SYNC_COMMITTEE))
            for index in (duty.validator_index for duty in self._sync_duties(slot))
        )
        await self._submit(slot, Submit(sync_messages=messages))
        return head

    async def _aggregate(self, slot: Slot) -> None:
        """Every committee is small, so every attester is an aggregator."""
        signed = []
        for committee_index, index in {d.committee_index: d.validator_index for d in self._attesters[slot]}.items():
            proof = self._sign(index, slot, uint64_root(slot), DOMAIN_SELECTION_PROOF)
            question = FetchAggregateAndProof(slot, committee_index, index, proof)
            message = (await self._ask(slot, question, FetchedAggregateAndProof)).message
            signature = self._sign(index, slot, message.hash_tree_root(), DOMAIN_AGGREGATE_AND_PROOF)
            aggregate = message.signed(signature)
            assert isinstance(aggregate, SignedElectraAggregateAndProof)
            signed.append(aggregate)
        await self._submit(slot, Submit(aggregates=tuple(signed)))

    async def _contribute(self, slot: Slot, head: Root) -> None:
        """All subcommittees are asked for at once, as a worker does."""
        selected = self._contributors(slot)
        questions = tuple(FetchContribution(slot, subcommittee, head) for subcommittee in selected)
        question = FetchContributions(questions, tuple(proof for _, proof in selected.values()))
        found = (await self._ask(slot, question, FetchedContributions)).contributions
        if len(found) < len(selected):
            self.problems[slot].append(f"contributions: {len(found)} of {len(selected)}")
        signed = []
        for proven in found:
            index, proof = selected[proven.contribution.subcommittee_index]
            message = ContributionAndProof(index, proven.contribution, proof)
            signature = self._sign(index, slot, message.hash_tree_root(), DOMAIN_CONTRIBUTION_AND_PROOF)
            signed.append(SignedContributionAndProof(message, signature))
        await self._submit(slot, Submit(contributions=tuple(signed)))

    def _contributors(self, slot: Slot) -> dict[int, tuple[ValidatorIndex, BlsSignature]]:
        """Return for each subcommittee one member that is selected."""
        found: dict[int, tuple[ValidatorIndex, BlsSignature]] = {}
        for duty in self._sync_duties(slot):
            for subcommittee in {subcommittee_of(position) for position in duty.positions} - found.keys():
                root = SyncAggregatorSelectionData(slot, subcommittee).hash_tree_root()
                proof = self._sign(duty.validator_index, slot, root, DOMAIN_SYNC_COMMITTEE_SELECTION_PROOF)
                if is_sync_aggregator(proof):
                    found[subcommittee] = (duty.validator_index, proof)
        return found

    def _sync_duties(self, slot: Slot) -> tuple[SyncDuty, ...]:
        """A vote lands in the next slot's block, so the next slot's committee has it to cast."""
        return self._sync[self.chain.epoch_of(Slot(slot + 1))]
