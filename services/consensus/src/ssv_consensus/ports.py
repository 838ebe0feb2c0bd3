"""What a duty needs of the world, as protocols: the shell knows no bus, no gRPC and no beacon client.

The service fills them with the real ones, the simulator and the tests with their own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from ssv_protocol.crypto.bls import RandomBytes
from ssv_protocol.effects import Draft, Event, Fetch, Report, Submit
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.runners.runner import Duty
from ssv_protocol.signing.verdict import Denied
from ssv_protocol.types.ids import Instant, MessageId, Slot, ValidatorIndex
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.roles import BeaconRole

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Refusal:
    """One object of a request that the signer refuses; its kind is None when this worker does not know it."""

    duty_type: BeaconRole | None
    validator_index: ValidatorIndex
    denied: Denied


@dataclass(frozen=True, slots=True)
class Signed:
    """A signed message, and what had to be left out of it."""

    message: SignedSSVMessage
    refusals: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True)
class NothingSigned:
    """Every object of the request was refused, each for a reason of its own; there is at least one."""

    refusals: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """The signer could not do its work; asking again may help. `reason` is for logs."""

    reason: str


SignVerdict = Signed | NothingSigned | Denied | Failed


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
    """Tells what a committee has to do."""

    async def duties(self, slot: Slot) -> tuple[Duty, ...]:
        """Return what begins in a slot, as far as it is known now. May wait while nothing is known yet."""
        ...


@dataclass(frozen=True, slots=True)
class Cleared:
    """What of a duty is run, None for nothing, and what of it may not be signed and why.

    A barred attestation that is in `duty` nevertheless is decided upon, and not signed.
    """

    duty: Duty | None
    barred: Mapping[Handed, MissedReason] = field(default_factory=dict)


class Clearance(Protocol):
    """Says at a duty's start whose duties may be signed, so that the committee does not work for nothing."""

    async def __call__(self, duty: Duty) -> Cleared:
        """Return what is left of `duty`."""
        ...


async def all_cleared(duty: Duty) -> Cleared:
    """Let every duty pass: `Clearance` where only the signer decides."""
    return Cleared(duty)


class Offload(Protocol):
    """Runs slow pure work away from the event loop."""

    def __call__(self, work: Callable[[], T]) -> Awaitable[T]:
        """Return what `work` returns."""
        ...


def untold(message_id: MessageId, slot: Slot, report: Report) -> None:
    """Tell nobody."""


def tell_the_loop(message_id: MessageId, slot: Slot, fault: Exception) -> None:
    """Leave a fault to the event loop, as that of a task that nobody awaits."""
    asyncio.get_running_loop().call_exception_handler({"message": f"a duty of slot {slot} failed", "exception": fault})


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything outside of the machine that a duty touches.

    `on_report` is told what a machine reports, `on_fault` what is a defect of the code; a duty is named by the id of
    its messages and its slot.
    """

    beacon: BeaconApi
    signer: Signer
    gossip: Gossip
    offload: Offload
    now: Callable[[], Instant]
    random_bytes: RandomBytes
    on_report: Callable[[MessageId, Slot, Report], None] = untold
    on_fault: Callable[[MessageId, Slot, Exception], None] = tell_the_loop
