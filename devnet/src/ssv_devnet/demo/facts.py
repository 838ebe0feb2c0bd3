"""What was due in a run and what became of it, by kind of duty, as everybody but the operators sees it.

Attestations, sync committee messages, proposals and exits stand in blocks. Nothing on chain tells who made an
aggregate or a contribution, nor of registrations: for those there is the word of the one who was handed them, the
beacon node or the builder, in `accepted`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ssv_devnet.builder.record import BuilderRecord
from ssv_devnet.demo.accepted import Accepted
from ssv_devnet.demo.duty_kind import DutyKind
from ssv_devnet.observer import Observation, Vote
from ssv_devnet.selected import aggregators, contributors
from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.types.ids import BlsPublicKey, Slot, ValidatorIndex

REGISTRATION_EPOCHS = 10
"""Every validator registers once in so many epochs."""


@dataclass(frozen=True, slots=True)
class Facts:
    """One kind's duties: slot and validator. One of `on_chain` and `accepted` is None."""

    due: frozenset[Vote]
    on_chain: frozenset[Vote] | None
    accepted: frozenset[Vote] | None = None

    @property
    def landed(self) -> frozenset[Vote]:
        """The due duties that reached whom they were for."""
        reached = self.accepted if self.on_chain is None else self.on_chain
        return self.due & (reached or frozenset())


def chain_facts(observation: Observation) -> dict[DutyKind, Facts]:
    """Return the facts that stand in blocks."""
    return {
        DutyKind.ATTESTATION: Facts(observation.due, frozenset(observation.included)),
        DutyKind.SYNC_COMMITTEE_MESSAGE: Facts(observation.sync_due, observation.sync_included),
        DutyKind.PROPOSAL: Facts(observation.proposals_due, observation.proposals_made),
    }


def aggregation_facts(chain: BeaconChain, observation: Observation, accepted: Accepted) -> dict[DutyKind, Facts]:
    """Return the facts about aggregates and contributions; those due are worked out from the validators' keys.

    A contribution duty is a validator's in a slot; all the subcommittees it is selected in must have been served.
    """
    selected = contributors(chain, observation.sync_duties)
    unserved = {(slot, index) for slot, index, _ in selected - accepted.contributions}
    contributions = frozenset((slot, index) for slot, index, _ in selected)
    return {
        DutyKind.AGGREGATE: Facts(aggregators(chain, observation.attester_duties), None, accepted.aggregates),
        DutyKind.CONTRIBUTION: Facts(contributions, None, contributions - unserved),
    }


def registrations_due(
    chain: BeaconChain, indices: Iterable[ValidatorIndex], slots: range, changed_at: Slot | None
) -> frozenset[Vote]:
    """Return the registrations due in `slots`: each validator's turn, and all of them in the slot `changed_at`."""
    cycle = REGISTRATION_EPOCHS * chain.slots_per_epoch
    return frozenset(
        (slot, index)
        for index in indices
        for slot in map(Slot, slots)
        if slot % cycle == index % cycle or slot == changed_at
    )


def registration_facts(
    chain: BeaconChain, due: frozenset[Vote], pubkeys: Mapping[ValidatorIndex, BlsPublicKey], record: BuilderRecord
) -> Facts:
    """Return which registrations the builder has taken: it keeps a validator's latest, which is dated by its epoch."""
    accepted = set()
    for slot, index in due:
        seen = record.registration_of(pubkeys[index])
        epoch_start_s = int(chain.slot_start(chain.first_slot(chain.epoch_of(slot))))
        if seen is not None and seen.timestamp >= epoch_start_s:
            accepted.add((slot, index))
    return Facts(due, None, frozenset(accepted))


def blinded_slots(observation: Observation, record: BuilderRecord) -> frozenset[Slot]:
    """Return the slots whose canonical block, by a watched validator, the builder made full from a blinded one."""
    published = {(block.slot, block.block_root) for block in record.unblinded}
    return frozenset(slot for slot, root in observation.own_roots.items() if (slot, f"0x{root.hex()}") in published)
