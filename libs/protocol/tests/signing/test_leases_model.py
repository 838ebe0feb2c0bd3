"""Workers, signers and their database, of which earlier states are put back at any moment: is anything contradicted?

The database is a value here: the lease, what was said in each slot, and the slashing record of one share. Three workers
come and go, take over from each other, are paused; signers restart, with the same database or an earlier one. A single
signer has its database to itself, which runs as long as it does; two share a server, which is started anew to be
exchanged.

What the rules do not guarantee is left out in two places: where a database is exchanged and no living signer saw all of
it, former holders were told that they are (`tell_former_holders`); and where the disk is trusted, somebody who would
notice is there when it is exchanged.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import count

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from libs.protocol.tests.signing.world import CHAIN, SLOTS_PER_EPOCH, root_of

from ssv_protocol.signing import attestation, leases
from ssv_protocol.signing.leases import Granted, Lease, LeaseRecord, Trust
from ssv_protocol.signing.records import AttestationRecord
from ssv_protocol.signing.verdict import DenialReason, Denied
from ssv_protocol.types.ids import Epoch, Root, Slot

BEGIN = Slot(20 * SLOTS_PER_EPOCH + 2)
WORKERS = st.sampled_from(["w1", "w2", "w3"])
LOST = st.integers(1, 8)
VALUES = st.sampled_from([root_of(b"a"), root_of(b"b")])


@dataclass(frozen=True)
class Database:
    lease: LeaseRecord | None = None
    run: int = 0
    said: dict[Slot, Root] = field(default_factory=dict)
    share: AttestationRecord = field(default_factory=lambda: attestation.raised(None, Epoch(CHAIN.epoch_of(BEGIN) - 1)))


class Restores(RuleBasedStateMachine):
    @initialize(disk=st.booleans(), several=st.booleans())
    def begin(self, disk: bool, several: bool) -> None:
        self.disk, self.several = disk, several
        self.clock = BEGIN
        self.history = [Database()]
        self.run = 0
        self.seen = dict.fromkeys(("s1", "s2") if several else ("s1",), None)
        self.signer = "s1"
        self.leases: dict[str, Lease] = {}
        self.holder = ""
        self.restored = False
        self.said: dict[Slot, Root] = {}
        self.attested: dict[Epoch, tuple[Epoch, Root]] = {}
        self.lineages = count()
        self.claimed("w1")
        self.clock = Slot(BEGIN + SLOTS_PER_EPOCH)

    # the database and the signer

    @property
    def database(self) -> Database:
        return self.history[-1]

    @property
    def record(self) -> LeaseRecord | None:
        found = self.database.lease
        return found and replace(found, believed=self.database.run == self.run)

    @property
    def trust(self) -> Trust:
        return Trust(CHAIN, self.clock, self.disk)

    def write(self, record: LeaseRecord, *, cold: bool = False, **changes: object) -> Lease:
        share = self.database.share
        if cold:
            share = attestation.raised(share, leases.quiet_epoch(self.trust))
        written = replace(self.database, lease=record, run=self.run, share=share)
        self.history.append(replace(written, **changes))  # type: ignore[arg-type]
        told = Lease(record.lineage, record.fence, record.seq, self.clock)
        self.seen[self.signer] = told
        return told

    def restore(self, lost: int) -> None:
        """Put back the database as it was so many writes ago; with several signers its server starts anew."""
        self.restored = True
        if self.several:
            self.run += 1
        if self.several or not self.has_seen_all():
            self.tell_former_holders()
        self.history.append(self.history[max(0, len(self.history) - 1 - lost)])

    def has_seen_all(self) -> bool:
        """Whether the signer would notice any restore."""
        record, seen = self.database.lease, self.seen[self.signer]
        return record is not None and seen is not None and (seen.lineage, seen.seq) == (record.lineage, record.seq)

    def tell_former_holders(self) -> None:
        self.leases = {worker: lease for worker, lease in self.leases.items() if worker == self.holder}

    def random(self) -> bytes:
        return sha256(next(self.lineages).to_bytes(8)).digest()[: leases.LINEAGE_BYTES]

    def claimed(self, worker: str) -> LeaseRecord:
        witness, seen = self.leases.get(worker), self.seen[self.signer]
        granted = leases.claim(self.record, worker, None, witness, seen, self.trust, self.random())
        assert isinstance(granted, Granted)
        self.leases[worker] = self.write(granted.record, cold=granted.cold)
        self.holder = worker
        self.restored = False
        return granted.record

    def asked(self, worker: str, slot: Slot, value: Root) -> Denied | None:
        record = self.record
        denied = leases.match(record, self.leases.get(worker), self.seen[self.signer], self.trust)
        if denied is not None:
            if denied.reason is DenialReason.RECORD_BEHIND:
                self.write(leases.cold_started(record, leases.NOBODY, self.trust, self.random()), cold=True)
            if denied.reason in (DenialReason.STALE_FENCE, DenialReason.NO_LEASE):
                self.leases.pop(worker, None)
            return denied
        assert record is not None
        assert self.disk or self.restored or worker == self.holder, "signed for a worker that is not the last claimer"
        denied = leases.check_slot(record, slot)
        if denied is not None:
            return denied
        value = self.database.said.get(slot, value)  # a step on record is answered with what is recorded
        epoch = CHAIN.epoch_of(slot)
        vote = attestation.check(self.database.share, Epoch(epoch - 1), epoch, value, CHAIN.epoch_of(self.clock))
        share = self.database.share if isinstance(vote, Denied) else vote.record
        record = replace(record, seq=record.seq + 1)
        self.leases[worker] = self.write(record, said={**self.database.said, slot: value}, share=share)
        self.holder = worker  # not always who claimed last: the database may be one from before that
        assert self.said.setdefault(slot, value) == value, "two things were said in one slot"
        if not isinstance(vote, Denied):
            assert self.attested.setdefault(epoch, (Epoch(epoch - 1), value))[1] == value, "a double vote"
        return None

    # what happens

    @rule(worker=WORKERS)
    def claim(self, worker: str) -> None:
        self.claimed(worker)

    @rule(worker=WORKERS, back=st.integers(0, 2), value=VALUES)
    def sign(self, worker: str, back: int, value: Root) -> None:
        self.asked(worker, Slot(self.clock - back), value)

    @rule(worker=WORKERS, value=VALUES)
    def sign_what_there_is(self, worker: str, value: Root) -> None:
        if worker not in self.leases:
            self.claimed(worker)
        for slot in (self.clock, self.clock - 1, self.clock + 1):
            self.asked(worker, Slot(slot), value)

    @rule(slots=st.sampled_from([1, 1, 2, 3, SLOTS_PER_EPOCH, 3 * SLOTS_PER_EPOCH]))
    def wait(self, slots: int) -> None:
        self.clock = Slot(self.clock + slots)

    @rule()
    def restart_signer(self) -> None:
        self.seen[self.signer] = None
        if not self.several:
            self.run += 1
            self.tell_former_holders()

    @rule()
    def ask_another_signer(self) -> None:
        self.signer = next(name for name in reversed(self.seen) if name != self.signer or not self.several)

    @precondition(lambda self: self.several)
    @rule()
    def restart_database(self) -> None:
        self.run += 1
        self.tell_former_holders()

    @precondition(lambda self: not self.disk or (not self.several and self.has_seen_all()))
    @rule(lost=LOST, worker=WORKERS, value=VALUES)
    def restore_under_the_living_signer(self, lost: int, worker: str, value: Root) -> None:
        self.restore(lost)
        for _ in range(2):  # a first time it may only be found out
            self.sign_what_there_is(worker, value)

    @precondition(lambda self: not self.disk)
    @rule(lost=LOST, forget=st.booleans())
    def restore_and_restart(self, lost: int, forget: bool) -> None:
        if forget:
            self.leases.pop(self.holder, None)
        self.restart_signer()
        self.restore(lost)

    @precondition(lambda self: self.disk)
    @rule(lost=LOST)
    def restore_and_restart_while_its_holder_lives(self, lost: int) -> None:
        # with trust-disk a restored database is believed unless a worker contradicts it, so the worker asks first
        if self.holder in self.leases:
            self.restart_signer()
            self.restore(lost)
            self.asked(self.holder, self.clock, root_of(b"a"))

    @rule(worker=WORKERS)
    def restart_worker(self, worker: str) -> None:
        self.leases.pop(worker, None)

    @rule(worker=WORKERS)
    def release(self, worker: str) -> None:
        lease = self.leases.pop(worker, None)
        if lease is None:
            return
        let_go = leases.release(self.record, lease, self.seen[self.signer], self.trust, self.random())
        if let_go is not None:
            self.write(let_go.record, cold=let_go.cold)

    @invariant()
    def no_vote_surrounds(self) -> None:
        epochs = sorted(self.attested)
        assert [self.attested[epoch][0] for epoch in epochs] == sorted(self.attested[epoch][0] for epoch in epochs)

    def teardown(self) -> None:
        if not hasattr(self, "disk"):
            return
        record = self.claimed("w2")
        waited = max(0, record.quiet_until - self.clock)
        assert waited <= SLOTS_PER_EPOCH + 1
        self.clock = Slot(max(record.quiet_until, self.clock + 1))
        assert self.asked("w2", self.clock, root_of(b"a")) is None, "the successor can't go on"


TestRestores = Restores.TestCase
TestRestores.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
