"""Does the record on disk cover what was received? Read with sqlite3 alone, from a copy of what a kill left.

A slot that the signer has pruned is covered by the mark below which it refuses everything, for ever; the asking for
opposites at the end shows that it does.

The copy leaves the recovery of the log to the next signer, as after a real crash.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path

from ssv_protocol.types.ids import BlsPublicKey, Slot, ValidatorIndex
from ssv_protocol.types.messages import SSVMessage
from tests.chaos.received import Batch, Received, Step, contents

FILES = ("signer.sqlite", "signer.sqlite-wal")


class RecordCheck:
    """Compares received messages with the tables."""

    def __init__(self, data_dir: Path, scratch: Path, shares: Mapping[ValidatorIndex, BlsPublicKey]) -> None:
        self._data_dir = data_dir
        self._scratch = scratch
        self._shares = shares

    def uncovered(self, received: Received, keys: Iterable[Step | Batch]) -> list[str]:
        """Return a sentence for each of the messages that the record does not cover."""
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._scratch.mkdir()
        for name in FILES:
            if (self._data_dir / name).exists():
                shutil.copyfile(self._data_dir / name, self._scratch / name)
        connection = sqlite3.connect(self._scratch / FILES[0])
        try:
            forgotten_below = _forgotten_below(connection)
            problems = [self._problem(connection, received, key) for key in keys if key[1] >= forgotten_below]
        finally:
            connection.close()
        return [problem for problem in problems if problem]

    def _problem(self, connection: sqlite3.Connection, received: Received, key: Step | Batch) -> str:
        if len(key) == 4:
            return _step_problem(connection, key, received.steps[key])
        return self._batch_problem(connection, received, key)

    def _batch_problem(self, connection: sqlite3.Connection, received: Received, batch: Batch) -> str:
        message_id, slot = batch
        items = contents(received.batches[batch]).messages
        rows = connection.execute(
            "SELECT validator_index, share_pubkey, signing_root FROM partial_signatures "
            "WHERE message_id = ? AND slot = ? ORDER BY position",
            (message_id, slot),
        ).fetchall()
        wanted = [(item.validator_index, self._shares[item.validator_index], item.signing_root) for item in items]
        if rows != wanted:
            return f"slot {slot}: partial signatures are not on record"
        target = received.chain.epoch_of(Slot(slot))
        for _, share, root in wanted:
            mark = connection.execute(
                "SELECT target_epoch, signing_root FROM attestations WHERE share_pubkey = ?", (share,)
            ).fetchone()
            if mark is None or mark[0] < target or (mark[0] == target and mark[1] != root):
                return f"slot {slot}: an attestation is above its share's watermark"
        return ""


def _forgotten_below(connection: sqlite3.Connection) -> int:
    """Return the slot below which records were pruned."""
    row = connection.execute("SELECT value FROM pins WHERE name = 'forgotten_below_slot'").fetchone()
    return 0 if row is None else int(row[0])


def _step_problem(connection: sqlite3.Connection, step: Step, message: SSVMessage) -> str:
    message_id, height, kind, at_round = step
    row = connection.execute(
        "SELECT message FROM consensus_steps WHERE message_id = ? AND height = ? AND type = ? AND round = ?",
        (message_id, height, kind, at_round),
    ).fetchone()
    mark = connection.execute(
        "SELECT round FROM consensus WHERE message_id = ? AND height = ?", (message_id, height)
    ).fetchone()
    if row is None or row[0] != message.encode() or mark is None or mark[0] < at_round:
        return f"height {height}: a step of round {at_round} is not on record"
    return ""
