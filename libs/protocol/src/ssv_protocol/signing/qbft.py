"""May the operator say this in a consensus? What it said before, in this height, decides.

- The round never falls.
- Proposal, prepare and commit of one round are about one root.
- A round change stands by the last commit: its prepared value is the lock's, or one prepared in a higher round.
- A step that is on record stays as it is: whatever is asked for it, the recorded message is the answer.

These are what the safety of QBFT asks of an honest member, so an operator whose workers die, overlap or disagree
looks like one honest member. They never end a consensus for good: prepare and commit of a justified proposal in a
higher round are always allowed, and so is a round change that carries the lock's value.

Not guaranteed: that a message is justified. That is for the peers to check, and harms nobody else.

Source: architecture §5.2; ssv-spec qbft; Moniz, "The Istanbul BFT Consensus Algorithm".
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from ssv_protocol.effects import QbftDraft
from ssv_protocol.errors import ProtocolError
from ssv_protocol.forks import Network
from ssv_protocol.signing import message_id as message_ids
from ssv_protocol.signing import window
from ssv_protocol.signing.records import Lock, QbftRecord, QbftStep, UnsignedMessage
from ssv_protocol.signing.verdict import Approved, DenialReason, Denied
from ssv_protocol.types.ids import Slot
from ssv_protocol.types.message_id import message_role
from ssv_protocol.types.messages import MAX_FULL_DATA_BYTES, encode_message
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import MsgType, QbftMessageType, RunnerRole

_TYPES = {member.value: member for member in QbftMessageType}
_NO_CONSENSUS = frozenset({RunnerRole.VALIDATOR_REGISTRATION, RunnerRole.VOLUNTARY_EXIT})


@dataclass(frozen=True, slots=True)
class QbftApproved(Approved[QbftRecord]):
    """`message` is what to sign once `record` is durable: the draft's, or the one on record for its step."""

    message: UnsignedMessage


def check(network: Network, record: QbftRecord | None, draft: QbftDraft, clock: Slot) -> QbftApproved | Denied:
    """Judge a draft against the record of its (message id, height); `clock` is the signer's slot."""
    # FORM
    denied = _check_form(network, draft, clock)
    if denied is not None:
        return denied
    message, step_type = draft.message, _TYPES[draft.message.msg_type]
    # REPEAT
    if record is not None:
        recorded = record.message(step_type, message.round)
        if recorded is not None:
            return QbftApproved(record, recorded)
    # HISTORY
    denied = _check_history(record, message)
    if denied is not None:
        return denied
    # RECORD
    try:
        encoded = encode_message(MsgType.CONSENSUS, draft.message_id, message.encode())
    except ProtocolError as error:
        return Denied(DenialReason.MALFORMED, str(error))
    unsigned = UnsignedMessage(encoded, draft.full_data)
    return QbftApproved(_extended(record, message, QbftStep(step_type, message.round, unsigned)), unsigned)


def _check_form(network: Network, draft: QbftDraft, clock: Slot) -> Denied | None:
    message, message_id, slot = draft.message, draft.message_id, Slot(draft.message.height)
    try:
        message.validate()
    except ProtocolError as error:
        return Denied(DenialReason.MALFORMED, str(error))
    denied = message_ids.check(network, message_id, slot) or window.check(network.chain, slot, clock)
    if denied is not None:
        return denied
    role = message_role(message_id)
    if role in _NO_CONSENSUS:
        return Denied(DenialReason.WRONG_ROLE, f"role {role} has no consensus")
    if message.msg_type == QbftMessageType.ROUND_CHANGE and message.data_round >= message.round:
        detail = f"prepared in round {message.data_round}, change to {message.round}"
        return Denied(DenialReason.PREPARED_ROUND, detail)
    return _check_full_data(draft)


def _check_full_data(draft: QbftDraft) -> Denied | None:
    # a recorded message blocks its step for good, so one that every peer would reject must not get there
    message = draft.message
    carries_value = message.msg_type == QbftMessageType.PROPOSAL or (
        message.msg_type == QbftMessageType.ROUND_CHANGE and message.prepared
    )
    if not carries_value:
        return Denied(DenialReason.FULL_DATA, "the message carries none") if draft.full_data else None
    if len(draft.full_data) > MAX_FULL_DATA_BYTES:
        return Denied(DenialReason.FULL_DATA, f"{len(draft.full_data)} bytes")
    if sha256(draft.full_data).digest() != message.root:
        return Denied(DenialReason.FULL_DATA, "its hash is not the root")
    return None


def _check_history(record: QbftRecord | None, message: QbftMessage) -> Denied | None:
    if record is None:
        return None
    if message.round < record.round:
        return Denied(DenialReason.ROUND_FELL, f"round {message.round}, record {record.round}")
    if message.msg_type == QbftMessageType.ROUND_CHANGE:
        return _check_lock(record.lock, message)
    if message.round == record.round and record.root not in (None, message.root):
        return Denied(DenialReason.SECOND_ROOT, f"round {message.round}")
    return None


def _check_lock(lock: Lock | None, message: QbftMessage) -> Denied | None:
    if lock is None or message.data_round > lock.round:
        return None
    if message.data_round == lock.round and message.root == lock.root:
        return None
    return Denied(DenialReason.LOCK_VIOLATED, f"prepared in round {message.data_round}, commit in {lock.round}")


def _extended(record: QbftRecord | None, message: QbftMessage, step: QbftStep) -> QbftRecord:
    if record is None:
        record = QbftRecord(message.round, None, None, ())
    root, lock = record.root, record.lock
    if step.type != QbftMessageType.ROUND_CHANGE:
        root = message.root
    elif message.round != record.round:
        root = None
    if step.type == QbftMessageType.COMMIT:
        lock = Lock(message.round, message.root)
    return QbftRecord(message.round, root, lock, (*record.steps, step))
