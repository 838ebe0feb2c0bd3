"""Workers, signers and their database, of which earlier states are put back at any moment: is anything contradicted?

The database is a value here: the lease, what was said in each slot, and the slashing record of one share. Two workers
come and go, take over from each other, are paused; one or two signers restart, with the same database or an earlier
one. Where there are two, they notice that their server is another one, because their connections ended.

What the rules do not guarantee is left out in two places: where a database is exchanged that the signer did not see
itself, former holders were told that they are (`tell_former_holders`); and where the disk is trusted, somebody who
would notice is there when it is exchanged.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import count

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from libs.protocol.tests.signing.world import CHAIN, SLOTS_PER_EPOCH, root_of

from ssv_protocol.signing import attestation, leases
from ssv_protocol.signing.leases import NOTHING_KNOWN, Granted, Known, Lease, LeaseRecord, Trust
from ssv_protocol.signing.records import AttestationRecord
from ssv_protocol.signing.verdict import DenialReason, Denied
from ssv_protocol.types.ids import Epoch, Root, Slot

BEGIN = Slot(20 * SLOTS_PER_EPOCH + 2)
WORKERS = st.sampled_from(["w1", "w2"])
LOST = st.integers(1, 8)
VALUES = st.sampled_from([root_of(b"a"), root_of(b"b")])


@dataclass(frozen=True)
class Database:
    lease: LeaseRecord | None = None
    said: dict[Slot, Root] = field(default_factory=dict)
    share: AttestationRecord = field(default_factory=lambda: attestation.raised(None, Epoch(CHAIN.epoch_of(BEGIN) - 1)))


class Restores(RuleBasedStateMachine):
    @initialize(disk=st.booleans(), several=st.booleans())
    def begin(self, disk: bool, several: bool) -> None:
        self.disk = disk
        self.known = dict.fromkeys(("s1", "s2") if several else ("s1",), NOTHING_KNOWN)
        self.signer = "s1"
        self.clock = BEGIN
        self.history = [Database()]
        self.leases: dict[str, Lease] = {}
        self.holder = ""
        self.restored = False
        self.said: dict[Slot, Root] = {}
        self.attested: dict[Epoch, tuple[Epoch, Root]] = {}
        self.lineages = count()
        self.claimed("w1")
        self.clock = Slot(BEGIN + SLOTS_PER_EPOCH)

    @property
    def database(self) -> Database:
        return self.history[-1]

    @database.setter
    def database(self, changed: Database) -> None:
        self.history.append(changed)

    def restore(self, lost: int) -> None:
        """Put back the database as it was so many writes ago."""
        self.restored = True
        if len(self.known) > 1:
            self.reconnect_to_another_server()
        elif not (self.known[self.signer].proven and self.has_seen_all()):
            self.tell_former_holders()
        self.database = self.history[max(0, len(self.history) - 1 - lost)]

    def tell_former_holders(self) -> None:
        self.leases = {worker: lease for worker, lease in self.leases.items() if worker == self.holder}

    def has_seen_all(self) -> bool:
        """Whether the signer would notice any restore."""
        record, seen = self.database.lease, self.known[self.signer].seen
        return record is not None and seen is not None and (seen.lineage, seen.seq) == (record.lineage, record.seq)

    @property
    def trust(self) -> Trust:
        return Trust(CHAIN, self.clock, self.disk)

    # the signer

    def see(self, record: LeaseRecord, *, proven: bool = True) -> Lease:
        told = Lease(record.lineage, record.fence, record.seq, self.clock)
        self.known[self.signer] = Known(told, proven)
        return told

    def start_anew(self, record: LeaseRecord) -> None:
        share = attestation.raised(self.database.share, leases.quiet_epoch(self.trust))
        self.database = replace(self.database, lease=record, share=share)

    def new_lineage(self) -> bytes:
        return next(self.lineages).to_bytes(leases.LINEAGE_BYTES)

    def claimed(self, worker: str) -> LeaseRecord:
        witness = self.leases.get(worker)
        granted = leases.claim(
            self.database.lease, worker, None, witness, self.known[self.signer], self.trust, self.new_lineage()
        )
        assert isinstance(granted, Granted)
        if granted.cold:
            self.start_anew(granted.record)
        self.database = replace(self.database, lease=granted.record)
        self.leases[worker] = self.see(granted.record)
        self.holder = worker
        self.restored = False
        return granted.record

    def asked(self, worker: str, slot: Slot, value: Root) -> Denied | None:
        record = self.database.lease
        denied = leases.match(record, self.leases.get(worker), self.known[self.signer], self.trust)
        if denied is not None and denied.reason is DenialReason.RECORD_BEHIND:
            self.start_anew(leases.cold_started(record, leases.NOBODY, self.trust, self.new_lineage()))
            assert self.database.lease is not None
            self.see(self.database.lease)
        if denied is not None and denied.reason in (DenialReason.STALE_FENCE, DenialReason.NO_LEASE):
            self.leases.pop(worker, None)
        if denied is not None:
            return denied
        assert record is not None
        assert self.disk or self.restored or worker == self.holder, (
            "signed for a worker that is not the last who claimed"
        )
        denied = leases.check_slot(record, slot)
        if denied is not None:
            return denied
        value = self.database.said.get(slot, value)  # a step on record is answered with what is recorded
        epoch = CHAIN.epoch_of(slot)
        vote = attestation.check(self.database.share, Epoch(epoch - 1), epoch, value, CHAIN.epoch_of(self.clock))
        share = self.database.share if isinstance(vote, Denied) else vote.record
        record = replace(record, seq=record.seq + 1)
        self.database = Database(record, {**self.database.said, slot: value}, share)
        self.leases[worker] = self.see(record)
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
        self.tell_former_holders()
        self.known[self.signer] = NOTHING_KNOWN

    @rule()
    def ask_another_signer(self) -> None:
        self.signer = next(name for name in reversed(self.known) if name != self.signer or len(self.known) == 1)

    @rule()
    def reconnect_to_another_server(self) -> None:
        self.tell_former_holders()
        self.known = {signer: replace(known, proven=False) for signer, known in self.known.items()}

    @precondition(lambda self: not self.disk or (len(self.known) == 1 and self.has_seen_all()))
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
        if worker not in self.leases:
            return
        let_go = leases.release(
            self.database.lease, self.leases[worker], self.known[self.signer], self.trust, self.new_lineage()
        )
        if let_go is not None:
            if let_go.cold:
                self.start_anew(let_go.record)
            self.database = replace(self.database, lease=let_go.record)
            self.see(let_go.record, proven=let_go.cold or self.known[self.signer].proven)
        self.leases.pop(worker, None)

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
