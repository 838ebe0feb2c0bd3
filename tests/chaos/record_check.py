"""Does the record in the database cover what was received? Read past the signer.

A slot that the signer has pruned is covered by the mark below which it refuses everything, for ever; the asking for
opposites at the end shows that it does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ssv_protocol.types.ids import BlsPublicKey, Slot, ValidatorIndex
from ssv_protocol.types.messages import SSVMessage
from tests.chaos.databases import ChaosDatabase, Read
from tests.chaos.received import Batch, Received, Step, contents, is_block

_ATTESTATION = "SELECT target_epoch, signing_root FROM attestations WHERE share_pubkey = ?"
_PROPOSAL = "SELECT slot, signing_root FROM proposals WHERE share_pubkey = ?"


class RecordCheck:
    """Compares received messages with the tables."""

    def __init__(self, database: ChaosDatabase, shares: Mapping[ValidatorIndex, BlsPublicKey]) -> None:
        self._database = database
        self._shares = shares

    def uncovered(self, received: Received, keys: Iterable[Step | Batch]) -> list[str]:
        """Return a sentence for each of the messages that the record does not cover."""
        with self._database.left() as read:
            forgotten_below = _forgotten_below(read)
            problems = [self._problem(read, received, key) for key in keys if key[1] >= forgotten_below]
        return [problem for problem in problems if problem]

    def _problem(self, read: Read, received: Received, key: Step | Batch) -> str:
        if len(key) == 4:
            return _step_problem(read, key, received.steps[key])
        return self._batch_problem(read, received, key)

    def _batch_problem(self, read: Read, received: Received, batch: Batch) -> str:
        message_id, slot = batch
        items = contents(received.batches[batch]).messages
        rows = read(
            "SELECT validator_index, share_pubkey, signing_root FROM partial_signatures "
            "WHERE message_id = ? AND slot = ? ORDER BY position",
            (message_id, slot),
        )
        wanted = [(item.validator_index, self._shares[item.validator_index], item.signing_root) for item in items]
        if rows != wanted:
            return f"slot {slot}: partial signatures are not on record"
        block = is_block(received.batches[batch])
        height, query = (slot, _PROPOSAL) if block else (received.chain.epoch_of(Slot(slot)), _ATTESTATION)
        for _, share, root in wanted:
            marks = read(query, (share,))
            if not marks or marks[0][0] < height or (marks[0][0] == height and marks[0][1] != root):
                return f"slot {slot}: {'a block' if block else 'an attestation'} is above its share's watermark"
        return ""


def _forgotten_below(read: Read) -> int:
    """Return the slot below which records were pruned."""
    rows = read("SELECT value FROM pins WHERE name = 'forgotten_below_slot'", ())
    return int(rows[0][0]) if rows else 0


def _step_problem(read: Read, step: Step, message: SSVMessage) -> str:
    message_id, height, kind, at_round = step
    rows = read(
        "SELECT message FROM consensus_steps WHERE message_id = ? AND height = ? AND type = ? AND round = ?",
        (message_id, height, kind, at_round),
    )
    marks = read("SELECT round FROM consensus WHERE message_id = ? AND height = ?", (message_id, height))
    if not rows or rows[0][0] != message.encode() or not marks or marks[0][0] < at_round:
        return f"height {height}: a step of round {at_round} is not on record"
    return ""
