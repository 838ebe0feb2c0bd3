"""The signer's memory, used by one thread: judges batches of requests and makes what it approved durable.

Invariant: `record` returns only after the commit. When that fails, nothing of the batch may be signed, and every
request of it is answered as failed; the database may or may not hold the records, and both are safe, because a record
without its signature only refuses the next one.

A batch is judged in one go. When a request of it breaks, all of it is undone, and judged once more one request after
another, each undone alone: so what always works costs no savepoints, and what breaks harms nobody else.

Source: architecture §5.1; crypto-python.md (one commit of 100 rows costs 1.2 ms, 100 commits 35 ms).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from structlog.typing import FilteringBoundLogger

from ssv_protocol.forks import Network
from ssv_protocol.signing import window
from ssv_protocol.signing.leases import Lease, LeaseRecord
from ssv_protocol.types.ids import CommitteeId, Instant, Slot
from ssv_protocol.types.message_id import duty_executor
from ssv_signer.judge import Judge, Sitting
from ssv_signer.store import pruning
from ssv_signer.store.database import Connection, Contradiction, Store, StoreError
from ssv_signer.work import Asked, BatchWork, EnvelopeWork, Failure, Judgement


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a transaction came to: judgements, the leases of all committees that may sign, those that can't go on."""

    judgements: list[Judgement]
    leases: dict[CommitteeId, LeaseRecord]
    behind: dict[CommitteeId, Lease | None]


class Recorder:
    """Judges and records in the transactions of one database."""

    def __init__(
        self,
        store: Store,
        judge: Judge,
        network: Network,
        now: Callable[[], Instant],
        log: FilteringBoundLogger,
    ) -> None:
        self.store = store
        self.network = network
        self.leasing = judge.leasing
        self._judge = judge
        self._now = now
        self._log = log

    def clock(self) -> Slot:
        """Return the slot of the signer's clock."""
        return self.network.chain.slot_at(self._now())

    def record(self, asked: Sequence[Asked]) -> list[Judgement]:
        """Judge requests in their order, in one transaction, each against what the ones before it left.

        One that can't be judged fails alone.

        Raises:
            StoreError: the transaction may not be durable, and nothing may be signed.
        """
        clock = self.clock()
        return self.finish(self._recorded(asked, clock), clock)

    def sit(
        self, connection: Connection, asked: Sequence[Asked], clock: Slot, judge: Callable[[Sitting, Asked], Judgement]
    ) -> Recorded:
        """Judge requests in an open transaction and write what they change."""
        sitting = self._judge.sit(connection, clock, asked)
        judgements = [judge(sitting, each) for each in asked]
        return Recorded(judgements, sitting.close(), sitting.behind)

    def finish(self, recorded: Recorded, clock: Slot) -> list[Judgement]:
        """Return the judgements of a transaction that is durable, with the leases to tell."""
        told = self.leasing.remember(recorded.leases, clock)
        self.leasing.begin_anew(self.store, clock, recorded.behind)
        return [
            each.telling(told[each.committee]) if isinstance(each, EnvelopeWork | BatchWork) else each
            for each in recorded.judgements
        ]

    def _recorded(self, asked: Sequence[Asked], clock: Slot) -> Recorded:
        try:
            with self.store.judging({duty_executor(each.draft.message_id) for each in asked}) as connection:
                return self.sit(connection, asked, clock, Sitting.judge)
        except Contradiction:
            pass
        except StoreError:
            raise
        except Exception:
            self._log.debug("a batch broke; judging its requests one by one", exc_info=True)
        with self.store.alone() as connection:
            return self.sit(connection, asked, clock, self._judge_alone)

    def _judge_alone(self, sitting: Sitting, asked: Asked) -> Judgement:
        try:
            with self.store.savepoint():
                judgement = sitting.judge(asked)
                sitting.write()
            return judgement
        except Contradiction as error:
            # the tables' own guard: a rule above has a gap
            self._log.error("a record was about to contradict an earlier one; report this", problem=str(error))
            return Failure("the record refuses the request")
        except StoreError:
            raise
        except Exception:
            self._log.exception("a request could not be judged")
            return Failure("the request could not be judged")

    def prune(self) -> int:
        """Forget what is too old to be signed again; returns the number of records. Raises StoreError."""
        with self.store.alone() as connection:
            return pruning.prune(connection, window.oldest(self.clock()))
