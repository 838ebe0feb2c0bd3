"""The four messages as unsigned drafts.

A proposal carries round changes in `round_change_justification` and prepares in `prepare_justification`; a
round change carries its prepares in `round_change_justification`. Justifications travel without full data.

Source: ssv-spec qbft/proposal.go, prepare.go, commit.go, round_change.go (Create…).
"""

from __future__ import annotations

from collections.abc import Iterable

from ssv_protocol.effects import QbftDraft, Send
from ssv_protocol.qbft.received import ReceivedMessage, value_root
from ssv_protocol.qbft.state import State
from ssv_protocol.types.ids import ZERO_ROOT, Root, Round
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import QbftMessageType


def proposal(
    state: State,
    value: bytes,
    round_changes: Iterable[ReceivedMessage] = (),
    prepares: Iterable[ReceivedMessage] = (),
) -> Send:
    """Return a proposal of the current round."""
    message = QbftMessage(
        msg_type=QbftMessageType.PROPOSAL,
        height=state.height,
        round=state.round,
        identifier=state.identifier,
        root=value_root(value),
        round_change_justification=_encode_all(round_changes),
        prepare_justification=_encode_all(prepares),
    )
    return Send(QbftDraft(message, value))


def prepare(state: State, root: Root) -> Send:
    """Return a prepare of the current round."""
    return _vote(QbftMessageType.PREPARE, state, root)


def commit(state: State, root: Root) -> Send:
    """Return a commit of the current round."""
    return _vote(QbftMessageType.COMMIT, state, root)


def round_change(state: State, round_: Round, prepares: Iterable[ReceivedMessage] = ()) -> Send:
    """Return a round change to `round_`; with a lock it carries the locked value and its prepares."""
    lock = state.lock
    if lock is None:
        message = QbftMessage(QbftMessageType.ROUND_CHANGE, state.height, round_, state.identifier, ZERO_ROOT)
        return Send(QbftDraft(message))
    prepared_round, value = lock
    message = QbftMessage(
        msg_type=QbftMessageType.ROUND_CHANGE,
        height=state.height,
        round=round_,
        identifier=state.identifier,
        root=value_root(value),
        data_round=prepared_round,
        round_change_justification=_encode_all(prepares),
    )
    return Send(QbftDraft(message, value))


def _vote(kind: QbftMessageType, state: State, root: Root) -> Send:
    message = QbftMessage(kind, state.height, state.round, state.identifier, root)
    return Send(QbftDraft(message))


def _encode_all(messages: Iterable[ReceivedMessage]) -> tuple[bytes, ...]:
    return tuple(message.signed.without_full_data().encode() for message in messages)
