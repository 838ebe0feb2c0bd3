"""What a duty needs of the world, as protocols: the shell knows no bus, no gRPC and no beacon client.

The service fills them with the real ones, the simulator and the tests with their own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from ssv_protocol.crypto.bls import RandomBytes
from ssv_protocol.effects import Draft, Event, Fetch, Submit
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.signing.verdict import Denied
from ssv_protocol.types.duty import CommitteeDuty
from ssv_protocol.types.ids import Instant, Slot, ValidatorIndex
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.roles import BeaconRole

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Signed:
    """A signed message, and the validators that had to be left out of it."""

    message: SignedSSVMessage
    denied: Mapping[ValidatorIndex, Denied] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failed:
    """The signer could not do its work; asking again may help. `reason` is for logs."""

    reason: str


SignVerdict = Signed | Denied | Failed


class Signer(Protocol):
    """Turns drafts into signed messages."""

    async def sign(self, draft: Draft, deadline: Instant) -> SignVerdict:
        """Return the signer's verdict, or Failed when `deadline` has come without one."""
        ...


class Gossip(Protocol):
    """Takes messages to the peers."""

    async def publish(self, message: SignedSSVMessage, slot: Slot, deadline: Instant) -> bool:
        """Publish a message of the duty in `slot`; return whether somebody took it before `deadline`."""
        ...


Handed = tuple[BeaconRole, ValidatorIndex]
"""What a beacon node is handed for a validator, by the kind of duty that it ends."""


class BeaconApi(Protocol):
    """What duties need of beacon nodes."""

    async def answer(self, question: Fetch) -> Event:
        """Return the `Fetched…` event that answers a question, asked now; raises `SsvError` when no node can say.

        The caller has waited for `not_before`, and asks again.
        """
        ...

    async def submit(self, slot: Slot, work: Submit) -> frozenset[Handed]:
        """Hand over signed objects of a duty in `slot`; return what was refused, of `handed(work)`."""
        ...


def handed(work: Submit) -> frozenset[Handed]:
    """Return whose duties are done by what is handed over."""
    done: dict[BeaconRole, list[ValidatorIndex]] = {
        BeaconRole.ATTESTER: list(work.attesters),
        BeaconRole.SYNC_COMMITTEE: [message.validator_index for message in work.sync_messages],
        BeaconRole.PROPOSER: [signed.proposal.block.proposer_index for signed in work.proposals],
        BeaconRole.AGGREGATOR: [signed.message.aggregator_index for signed in work.aggregates],
        BeaconRole.SYNC_COMMITTEE_CONTRIBUTION: [signed.message.aggregator_index for signed in work.contributions],
        BeaconRole.VALIDATOR_REGISTRATION: list(work.registrants),
        BeaconRole.VOLUNTARY_EXIT: [signed.message.validator_index for signed in work.exits],
    }
    return frozenset((role, index) for role, indices in done.items() for index in indices)


class DutySource(Protocol):
    """Tells the committee duty of a slot."""

    async def committee_duty(self, slot: Slot) -> CommitteeDuty | None:
        """Return the duty, or None when no validator has anything to do. May wait while that is not known yet."""
        ...


@dataclass(frozen=True, slots=True)
class Cleared:
    """What of a duty may be signed, possibly nothing, and why attesters were left out."""

    duty: CommitteeDuty
    barred: Mapping[ValidatorIndex, MissedReason] = field(default_factory=dict)


class Clearance(Protocol):
    """Says at a duty's start whose duties may be signed, so that the committee does not work for nothing."""

    async def __call__(self, duty: CommitteeDuty) -> Cleared:
        """Return what is left of `duty`."""
        ...


async def all_cleared(duty: CommitteeDuty) -> Cleared:
    """Let every duty pass: `Clearance` where only the signer decides."""
    return Cleared(duty)


class Offload(Protocol):
    """Runs slow pure work away from the event loop."""

    def __call__(self, work: Callable[[], T]) -> Awaitable[T]:
        """Return what `work` returns."""
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything outside of the machine that a duty touches."""

    beacon: BeaconApi
    signer: Signer
    gossip: Gossip
    offload: Offload
    now: Callable[[], Instant]
    random_bytes: RandomBytes
