"""Who may ask for a committee's signatures, and whether the database that says so can be believed.

A committee has one holder. Each claim raises its *fence*, and a request with an older one is refused: no clock, no
time-out and no message between workers is needed for that. It rises by a random number, so that two claims of one state
of the database, which was put back in between, do not give the same. Each transaction that writes something for the
committee raises its *seq*, and each answer tells it, so the holder knows how far the database had come. A database that
has not come so far any more was restored, promoted or exchanged. Then, and whenever nobody can tell, the committee
begins anew (*cold start*): a new random *lineage*, nothing of slots that have begun is signed any more, and the records
of its shares are raised, so that whatever was signed and forgotten can't be contradicted.

Invariants:
- Who lacks the present lineage and fence may have nothing signed, and a cold start changes both.
- A database is contradicted by any lease that it does not contain, however old; it is proven only by the lease of the
  holder that it names, of the last two epochs, because a former holder does not know what its successor did.
- What was proven stays so while the database runs, and the next record says so; a database that was stopped, or another
  one in its place, is proven anew. A signer process besides remembers how far it saw each record come.

Not guaranteed, as no rule can tell it from a signer that restarts: a worker that was cut off from the signer before
another one claimed its committee can prove a copy of its own time, if within two epochs of its last answer that is put
back, every signer process starts anew, and it asks before its successor does. Workers renew their leases each slot, so
one that is not cut off knows its place. Nor is anything guaranteed about what was signed for slots of a later epoch
than the present, which takes a quorum that decides ahead of time.

Source: architecture §5.3, §5.5.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto

from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.signing.verdict import DenialReason, Denied
from ssv_protocol.types.ids import Epoch, Fence, Slot

LINEAGE_BYTES = 16
NO_FENCE = Fence(0)
FIRST_SLOT = Slot(0)
NOBODY = ""
PROVES_FOR_EPOCHS = 2
"""A committee attests once in every epoch, so between two answers to its holder is less."""
_LEAP_BYTES = 4
_CLOCK_SLOTS = 1
"""How far ahead of its clock a signer may have signed, or how far ahead the clock may have been."""


@dataclass(frozen=True, slots=True)
class Lease:
    """What the signer last told a holder, who gives it back with each request. `slot` is the signer's clock then."""

    lineage: bytes
    fence: Fence
    seq: int
    slot: Slot


@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """One per committee. Slots below `quiet_until` were begun before the lineage was, and are not signed.

    `believed`: it was written in the present run of its database, so nothing that was durable since is gone.
    """

    lineage: bytes
    fence: Fence
    seq: int
    holder: str
    quiet_until: Slot = FIRST_SLOT
    believed: bool = True


@dataclass(frozen=True, slots=True)
class Trust:
    """The clock of the signer, its chain, and whether it believes a database that nothing contradicts."""

    chain: BeaconChain
    clock: Slot
    disk: bool = False


class Standing(Enum):
    """What a lease that was once given says of the record."""

    PROVES = auto()
    """Nothing that its owner knows is missing, and nobody came after."""
    STALE = auto()
    """Somebody came after."""
    BEHIND = auto()
    """The record does not contain it."""


@dataclass(frozen=True, slots=True)
class Granted:
    """The record to write. `cold`: it is a cold start; `behind`: because something was missing."""

    record: LeaseRecord
    cold: bool = False
    behind: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """Somebody else claimed before; nothing changed."""

    fence: Fence
    holder: str


def weigh(record: LeaseRecord | None, lease: Lease) -> Standing:
    """Compare a record with a lease."""
    if record is None:
        return Standing.BEHIND
    if lease.lineage != record.lineage:
        # whatever was signed in slots below `quiet_until` can't be contradicted any more, in any lineage
        return Standing.STALE if lease.slot + _CLOCK_SLOTS < record.quiet_until else Standing.BEHIND
    if lease.seq > record.seq or lease.fence > record.fence:
        return Standing.BEHIND
    return Standing.PROVES if lease.fence == record.fence else Standing.STALE


def match(record: LeaseRecord | None, lease: Lease | None, seen: Lease | None, trust: Trust) -> Denied | None:
    """Refuse a request unless it comes from the holder and the record is proven or can be believed.

    `seen` is the highest that this signer process saw of the committee. After RECORD_BEHIND the committee is to be
    started anew: `cold_started`.
    """
    if seen is not None and weigh(record, seen) is Standing.BEHIND:
        return Denied(DenialReason.RECORD_BEHIND, f"record {_shown(record)}, seen here {_shown(seen)}")
    if lease is None:
        return Denied(DenialReason.NO_LEASE, "the request has none")
    standing = weigh(record, lease)
    if record is None or standing is Standing.BEHIND:
        return Denied(DenialReason.RECORD_BEHIND, f"record {_shown(record)}, lease {_shown(lease)}")
    if record.holder == NOBODY:
        return Denied(DenialReason.NO_LEASE, f"nobody holds the committee, fence {record.fence}")
    if standing is Standing.STALE:
        return Denied(DenialReason.STALE_FENCE, f"fence {lease.fence}, now {record.fence} of {record.holder}")
    if record.believed or trust.disk or _is_fresh(lease, trust):
        return None
    return Denied(DenialReason.RECORD_UNPROVEN, f"the lease is of slot {lease.slot}, now {trust.clock}")


def check_slot(record: LeaseRecord, slot: Slot) -> Denied | None:
    """Refuse what belongs to a slot in which something may be signed and forgotten."""
    if slot < record.quiet_until:
        return Denied(DenialReason.SAFETY_DELAY, f"slot {slot}, from slot {record.quiet_until} on")
    return None


def claim(
    record: LeaseRecord | None,
    holder: str,
    expected: Fence | None,
    witness: Lease | None,
    seen: Lease | None,
    trust: Trust,
    random: bytes,
) -> Granted | Taken:
    """Give a committee to a holder.

    Args:
        expected: the fence that the record must have (0: no record); None takes the committee whoever holds it.
        witness: what the claimer last knew as a holder of the committee, if it was one.
        seen: the highest that this signer process saw of the committee.
        random: LINEAGE_BYTES, the lineage of a committee that begins anew, and how far a fence is raised.
    """
    present = NO_FENCE if record is None else record.fence
    if expected not in (None, present):
        return Taken(present, NOBODY if record is None else record.holder)
    behind = _is_behind(record, seen, witness)
    if behind or not (trust.disk or _is_believed(record) or _proves(record, witness, trust)):
        return Granted(cold_started(record, holder, trust, random), cold=True, behind=behind)
    if record is None:
        return Granted(LeaseRecord(random, Fence(1), 1, holder))
    fence = _raised(record.fence, random)
    return Granted(replace(record, fence=fence, seq=record.seq + 1, holder=holder, believed=True))


def _raised(fence: Fence, random: bytes) -> Fence:
    """Return a higher fence; that it was given in a history of the database that is gone has one chance in 2^32."""
    return Fence(fence + 1 + int.from_bytes(random[-_LEAP_BYTES:]))


def release(
    record: LeaseRecord | None, lease: Lease, seen: Lease | None, trust: Trust, new_lineage: bytes
) -> Granted | None:
    """Let its holder go of a committee, whose fence stays; None when another one holds it.

    What the holder knew goes with it, so a record that it contradicts, or does not prove, begins anew.
    """
    behind = _is_behind(record, seen, lease)
    if not behind and (record is None or weigh(record, lease) is Standing.STALE):
        return None
    if behind or record is None or not (trust.disk or record.believed or _is_fresh(lease, trust)):
        return Granted(cold_started(record, NOBODY, trust, new_lineage), cold=True, behind=behind)
    return Granted(replace(record, seq=record.seq + 1, holder=NOBODY, believed=True))


def cold_started(record: LeaseRecord | None, holder: str, trust: Trust, new_lineage: bytes) -> LeaseRecord:
    """Return the record of a committee that begins anew; its shares' records must be raised, see `quiet_epoch`."""
    quiet_until = trust.chain.first_slot(Epoch(quiet_epoch(trust) + 1))
    if record is None:
        return LeaseRecord(new_lineage, Fence(1), 1, holder, quiet_until)
    quiet_until = max(record.quiet_until, quiet_until)
    return LeaseRecord(new_lineage, Fence(record.fence + 1), record.seq + 1, holder, quiet_until)


def quiet_epoch(trust: Trust) -> Epoch:
    """Return the epoch to which a cold start raises records, and with which it stays quiet."""
    return trust.chain.epoch_of(Slot(trust.clock + _CLOCK_SLOTS))


def _is_behind(record: LeaseRecord | None, *told: Lease | None) -> bool:
    return any(lease is not None and weigh(record, lease) is Standing.BEHIND for lease in told)


def _is_believed(record: LeaseRecord | None) -> bool:
    return record is not None and record.believed


def _proves(record: LeaseRecord | None, witness: Lease | None, trust: Trust) -> bool:
    return witness is not None and weigh(record, witness) is Standing.PROVES and _is_fresh(witness, trust)


def _is_fresh(lease: Lease, trust: Trust) -> bool:
    return trust.clock <= lease.slot + PROVES_FOR_EPOCHS * trust.chain.slots_per_epoch


def _shown(of: Lease | LeaseRecord | None) -> str:
    return "none" if of is None else f"{of.lineage.hex()[:8]}/{of.fence}/{of.seq}"
