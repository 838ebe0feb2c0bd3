"""Leases in the transactions of one database, and what this process remembers of them. Used by the one thread.

What is remembered is what is durable: it is taken up after the commit. A database that can't be believed makes a *cold
start* of the committee: new lineage, the records of every share that it ever had raised, in one transaction.

Invariant: only `claim`, `release` and cold starts change more than a lease's `seq`, and they run alone, so a request is
matched with a lease that stands still.

Source: architecture §5.3, §5.5; `ssv_protocol.signing.leases`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from structlog.typing import FilteringBoundLogger

from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.signing import attestation, block
from ssv_protocol.signing import leases as rules
from ssv_protocol.signing.leases import Granted, Lease, LeaseRecord, Taken, Trust
from ssv_protocol.signing.verdict import DenialReason, Denied
from ssv_protocol.types.ids import CommitteeId, Epoch, Fence, Slot
from ssv_signer.store import leases, shares, watermarks
from ssv_signer.store.database import Connection, Store, StoreError

_BEHIND = "the database is older than what was signed with it: it was restored, promoted or exchanged"
_UNPROVEN = "nobody could tell that the database is the latest"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A committee to claim. See `rules.claim`."""

    committee: CommitteeId
    expected: Fence | None = None
    witness: Lease | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a claim or a renewal. `quiet_until` is the first slot for which the committee signs."""

    committee: CommitteeId
    result: Lease | Taken | Denied
    quiet_until: Slot = rules.FIRST_SLOT


class Leasing:
    """What this process saw of each committee. `disk`: an unproven database is believed (`rules.Trust`)."""

    def __init__(
        self, chain: BeaconChain, *, disk: bool, random: Callable[[int], bytes], log: FilteringBoundLogger
    ) -> None:
        self._chain, self._disk, self._random, self._log = chain, disk, random, log
        self._seen: dict[CommitteeId, Lease] = {}

    def match(
        self, committee: CommitteeId, record: LeaseRecord | None, lease: Lease | None, clock: Slot
    ) -> Denied | None:
        """Refuse a request that does not come from the committee's holder, or whose record can't be believed."""
        return rules.match(record, lease, self._seen.get(committee), self._trust(clock))

    def remember(self, records: Mapping[CommitteeId, LeaseRecord], clock: Slot) -> dict[CommitteeId, Lease]:
        """Take up what is durable; returns the leases to tell."""
        told = {
            committee: Lease(record.lineage, record.fence, record.seq, clock) for committee, record in records.items()
        }
        self._seen |= told
        return told

    def claim(self, store: Store, clock: Slot, holder: str, wanted: Sequence[Wanted]) -> list[Outcome]:
        """Give committees to a holder, in one transaction; raises StoreError."""
        trust, granted, refused = self._trust(clock), dict[CommitteeId, Granted](), dict[CommitteeId, Taken | Denied]()
        with store.alone() as connection:
            ids = [each.committee for each in wanted]
            held, records = shares.active_committees(connection, ids), leases.records(connection, ids)
            for each in wanted:
                committee, record = each.committee, records.get(each.committee)
                if committee not in held:
                    refused[committee] = Denied(DenialReason.UNKNOWN_COMMITTEE)
                    continue
                seen, random = self._seen.get(committee), self._random(rules.LINEAGE_BYTES)
                outcome = rules.claim(record, holder, each.expected, each.witness, seen, trust, random)
                if isinstance(outcome, Granted):
                    granted[committee] = outcome
                else:
                    refused[committee] = outcome
            self._write(connection, granted, trust)
        self._tell(granted, trust)
        told = self.remember({committee: each.record for committee, each in granted.items()}, clock)
        return [
            Outcome(committee, told[committee], granted[committee].record.quiet_until)
            if committee in told
            else Outcome(committee, refused[committee])
            for committee in ids
        ]

    def renew(self, store: Store, clock: Slot, held: Sequence[tuple[CommitteeId, Lease]]) -> list[Outcome]:
        """Tell holders whether their leases hold, and give those as of now; raises StoreError."""
        with store.judging([committee for committee, _ in held]) as connection:
            records = leases.records(connection, [committee for committee, _ in held])
            refused = {
                committee: denied
                for committee, lease in held
                if (denied := self.match(committee, records.get(committee), lease, clock)) is not None
            }
            proven = {committee: record for committee, record in records.items() if committee not in refused}
            # what was in doubt until now is written, so that other signers believe it too
            counted = leases.advance(connection, {c: r.fence for c, r in proven.items() if not r.believed})
        told = self.remember({c: replace(r, seq=counted.get(c, r.seq)) for c, r in proven.items()}, clock)
        self.begin_anew(store, clock, {c: lease for c, lease in held if is_behind(refused.get(c))})
        return [
            Outcome(committee, told[committee], records[committee].quiet_until)
            if committee in told
            else Outcome(committee, refused[committee])
            for committee, _ in held
        ]

    def release(self, store: Store, clock: Slot, held: Sequence[tuple[CommitteeId, Lease]]) -> list[CommitteeId]:
        """Let holders go of committees; returns those that nobody holds now. Raises StoreError."""
        trust, released = self._trust(clock), dict[CommitteeId, Granted]()
        with store.alone() as connection:
            records = leases.records(connection, [committee for committee, _ in held])
            for committee, lease in held:
                lineage = self._random(rules.LINEAGE_BYTES)
                outcome = rules.release(records.get(committee), lease, self._seen.get(committee), trust, lineage)
                if outcome is not None:
                    released[committee] = outcome
            self._write(connection, released, trust)
        self._tell(released, trust)
        self.remember({committee: each.record for committee, each in released.items()}, clock)
        return list(released)

    def begin_anew(self, store: Store, clock: Slot, behind: Mapping[CommitteeId, Lease | None]) -> None:
        """Start committees anew whose records turned out to be behind, by these leases or by what was seen here.

        A failure is only logged: the next request finds the same.
        """
        if not behind:
            return
        trust, begun = self._trust(clock), dict[CommitteeId, Granted]()
        try:
            with store.alone() as connection:
                records = leases.records(connection, list(behind))
                for committee, lease in behind.items():
                    # another signer may have been faster
                    if is_behind(self.match(committee, records.get(committee), lease, clock)):
                        lineage = self._random(rules.LINEAGE_BYTES)
                        anew = rules.cold_started(records.get(committee), rules.NOBODY, trust, lineage)
                        begun[committee] = Granted(anew, cold=True, behind=True)
                self._write(connection, begun, trust)
        except StoreError as error:
            self._log.warning("a committee could not be started anew; the next request tries again", reason=str(error))
            return
        self._tell(begun, trust)
        self.remember({committee: each.record for committee, each in begun.items()}, clock)

    def _write(self, connection: Connection, granted: Mapping[CommitteeId, Granted], trust: Trust) -> None:
        cold = [committee for committee, each in granted.items() if each.cold]
        _raise_records(connection, cold, rules.quiet_epoch(trust), self._chain)
        leases.put(connection, {committee: each.record for committee, each in granted.items()})

    def _tell(self, granted: Mapping[CommitteeId, Granted], trust: Trust) -> None:
        for committee, each in granted.items():
            if each.cold:
                self._log.warning(
                    "a committee begins anew and waits until what was signed in slots already begun can't matter",
                    committee=committee.hex(),
                    reason=_BEHIND if each.behind else _UNPROVEN,
                    signs_from_epoch=self._chain.epoch_of(each.record.quiet_until),
                )

    def _trust(self, clock: Slot) -> Trust:
        return Trust(self._chain, clock, self._disk)


def is_behind(denied: Denied | None) -> bool:
    """Tell whether a committee is to be started anew."""
    return denied is not None and denied.reason is DenialReason.RECORD_BEHIND


def _raise_records(connection: Connection, committees: Iterable[CommitteeId], epoch: Epoch, chain: BeaconChain) -> None:
    keys = shares.keys_of_committees(connection, list(committees))
    attested, proposed = watermarks.attestations(connection, keys), watermarks.proposals(connection, keys)
    last_slot = Slot(chain.first_slot(Epoch(epoch + 1)) - 1)
    watermarks.put_attestations(connection, {key: attestation.raised(attested.get(key), epoch) for key in keys})
    watermarks.put_proposals(connection, {key: block.raised(proposed.get(key), last_slot) for key in keys})
