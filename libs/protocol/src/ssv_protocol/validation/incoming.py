"""A message under check, with what was looked up for it once."""

from __future__ import annotations

from dataclasses import dataclass

from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.forks import Network, SsvFork
from ssv_protocol.types.ids import Epoch, Instant, Slot
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.roles import RunnerRole
from ssv_protocol.validation.beacon_facts import BeaconFacts
from ssv_protocol.validation.directory import Directory, Executor, KnownCommittee, KnownValidator

SLOT_FIELD = slice(8, 16)
"""Where both kinds of content have their slot, as uint64 little-endian: a message's height, a batch's slot."""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What messages are judged by. `registry_is_fresh`: it is not known to be behind the chain."""

    network: Network
    directory: Directory
    beacon: BeaconFacts
    registry_is_fresh: bool = True


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message of a known executor, which came at `at`. `role`, of its message id, is one that the fork has."""

    knowledge: Knowledge
    signed: SignedSSVMessage
    executor: Executor
    slot: Slot
    at: Instant
    role: RunnerRole

    @property
    def network(self) -> Network:
        """The network."""
        return self.knowledge.network

    @property
    def chain(self) -> BeaconChain:
        """Its beacon chain."""
        return self.knowledge.network.chain

    @property
    def beacon(self) -> BeaconFacts:
        """What is known of the beacon chain."""
        return self.knowledge.beacon

    @property
    def fork(self) -> SsvFork:
        """The rule set of the message's slot."""
        return self.network.ssv_fork_at(self.slot)

    @property
    def epoch(self) -> Epoch:
        """The epoch of the message's slot."""
        return self.chain.epoch_of(self.slot)

    @property
    def committee(self) -> KnownCommittee:
        """The committee whose members sign."""
        return self.executor.committee

    @property
    def validator(self) -> KnownValidator | None:
        """The validator whose duty it is; None for a committee's."""
        return self.executor.validator


def claimed_slot(data: bytes) -> Slot | None:
    """Return the slot that a content claims, before it is decoded; None when it is too short to have one."""
    field = data[SLOT_FIELD]
    return Slot(int.from_bytes(field, "little")) if len(field) == SLOT_FIELD.stop - SLOT_FIELD.start else None
