"""What justifies a proposal: in a later round, a quorum of round changes that allows its value.

When any of the round changes is prepared, the value must be that of the highest prepared round, and a
quorum of prepares must prove it. Every prepared round change is checked against the proposed value, so all
that travel in one proposal carry the same value; the specification has it so.

Source: ssv-spec qbft/proposal.go (isProposalJustification), qbft/round_change.go (highestPrepared).
"""

from __future__ import annotations

from collections.abc import Sequence

from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.qbft.config import QbftConfig
from ssv_protocol.qbft.prepare import check_signed_prepare
from ssv_protocol.qbft.received import (
    ReceivedMessage,
    check_committee,
    check_full_data,
    check_height,
    check_identifier,
    check_justification_size,
    check_one_signer,
    check_round,
    check_signatures,
    has_quorum,
    value_root,
)
from ssv_protocol.qbft.state import State
from ssv_protocol.types.ids import FIRST_ROUND, Round
from ssv_protocol.types.qbft_message import MAX_ROUND_CHANGE_JUSTIFICATION_BYTES
from ssv_protocol.types.roles import QbftMessageType


def check_justification(
    config: QbftConfig,
    state: State,
    round_: Round,
    value: bytes,
    *,
    round_changes: Sequence[ReceivedMessage],
    prepares: Sequence[ReceivedMessage],
) -> None:
    """Check that `value` may be proposed in `round_`.

    Raises:
        ProtocolError: what the value check gives, those of `check_round_change`, MESSAGE_SIGNATURE,
            ROUND_CHANGE_NO_QUORUM, JUSTIFICATION_INVALID, PREPARE_INVALID.
    """
    config.check_value(value)
    if round_ == FIRST_ROUND:
        return
    for item in round_changes:
        check_round_change(config, state, item, round_, value)
        check_signatures(item, config.member)
    if not has_quorum(config.member, round_changes):
        raise ProtocolError(Reason.ROUND_CHANGE_NO_QUORUM)
    prepared = [item for item in round_changes if item.qbft.prepared]
    if prepared:
        # max gives the first of the highest
        highest = max(prepared, key=lambda item: item.qbft.data_round)
        _check_prepared(config, state, value, highest, prepares)


def check_round_change(config: QbftConfig, state: State, message: ReceivedMessage, round_: Round, value: bytes) -> None:
    """Check a round change to `round_`, and when it is prepared that it justifies `value`.

    The signature of the round change itself is not checked, those of its prepares are. The size limit is
    ours: what does not fit into a proposal could be accepted here and then keep an honest leader from
    proposing.

    Raises:
        ProtocolError: JUSTIFICATION_INVALID, MESSAGE_IDENTIFIER, WRONG_HEIGHT, WRONG_ROUND, ONE_SIGNER_ONLY, what
            `validate` gives, SIGNER_NOT_IN_COMMITTEE, MESSAGE_TOO_LARGE, those of `check_signed_prepare`, VALUE_ROOT,
            JUSTIFICATION_NO_QUORUM.
    """
    if message.qbft.msg_type != QbftMessageType.ROUND_CHANGE:
        raise ProtocolError(Reason.JUSTIFICATION_INVALID, "not a round change")
    check_identifier(message, state.identifier)
    check_height(message, state.height)
    check_round(message, round_)
    check_one_signer(message)
    message.validate()
    check_committee(message, config.member.operator_ids)
    check_justification_size(message, MAX_ROUND_CHANGE_JUSTIFICATION_BYTES)
    if not message.qbft.prepared:
        return
    prepares = message.round_change_justification
    for item in prepares:
        check_signed_prepare(config, state, item, message.qbft.data_round, message.qbft.root)
    check_full_data(message, value)
    if not has_quorum(config.member, prepares):
        raise ProtocolError(Reason.JUSTIFICATION_NO_QUORUM)
    if message.qbft.data_round > round_:
        raise ProtocolError(Reason.JUSTIFICATION_INVALID, "prepared in a round that is still to come")


def _check_prepared(
    config: QbftConfig,
    state: State,
    value: bytes,
    highest: ReceivedMessage,
    prepares: Sequence[ReceivedMessage],
) -> None:
    if not has_quorum(config.member, prepares):
        raise ProtocolError(Reason.JUSTIFICATION_INVALID, "no quorum of prepares")
    if value_root(value) != highest.qbft.root:
        raise ProtocolError(Reason.JUSTIFICATION_INVALID, "not the highest prepared value")
    for item in prepares:
        try:
            check_signed_prepare(config, state, item, highest.qbft.data_round, highest.qbft.root)
        except ProtocolError as error:
            raise ProtocolError(Reason.PREPARE_INVALID, str(error)) from None
