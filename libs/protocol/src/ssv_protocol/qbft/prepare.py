"""Prepares: a quorum of them locks the value of the round and makes this operator commit to it.

A lock is carried by later round changes together with the prepares that made it.

Source: ssv-spec qbft/prepare.go. The size limit is ours: a prepare that does not fit into the justification
field of a proposal could be accepted here and then keep an honest leader from proposing.
"""

from __future__ import annotations

from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.qbft import drafts
from ssv_protocol.qbft.config import QbftConfig
from ssv_protocol.qbft.outputs import Output
from ssv_protocol.qbft.received import (
    ReceivedMessage,
    check_committee,
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
from ssv_protocol.types.ids import Root, Round
from ssv_protocol.types.qbft_message import MAX_PREPARE_JUSTIFICATION_BYTES
from ssv_protocol.types.roles import QbftMessageType


def check_prepare(config: QbftConfig, state: State, message: ReceivedMessage, round_: Round, root: Root) -> None:
    """Check a prepare for a round and a root, but not its signature.

    Raises:
        ProtocolError: JUSTIFICATION_INVALID (not a prepare), MESSAGE_IDENTIFIER, WRONG_HEIGHT, WRONG_ROUND, what
            `validate` gives, PROPOSED_DATA_MISMATCH, ONE_SIGNER_ONLY, SIGNER_NOT_IN_COMMITTEE, MESSAGE_TOO_LARGE.
    """
    if message.qbft.msg_type != QbftMessageType.PREPARE:
        raise ProtocolError(Reason.JUSTIFICATION_INVALID, "not a prepare")
    check_identifier(message, state.identifier)
    check_height(message, state.height)
    check_round(message, round_)
    message.validate()
    if message.qbft.root != root:
        raise ProtocolError(Reason.PROPOSED_DATA_MISMATCH)
    check_one_signer(message)
    check_committee(message, config.member.operator_ids)
    check_justification_size(message, MAX_PREPARE_JUSTIFICATION_BYTES)


def check_signed_prepare(config: QbftConfig, state: State, message: ReceivedMessage, round_: Round, root: Root) -> None:
    """As `check_prepare`, and the signature (MESSAGE_SIGNATURE)."""
    check_prepare(config, state, message, round_, root)
    check_signatures(message, config.member)


def check_current_prepare(config: QbftConfig, state: State, message: ReceivedMessage) -> None:
    """Check a prepare for the accepted proposal; raises ProtocolError PROPOSAL_MISSING and as above."""
    if state.accepted_proposal is None:
        raise ProtocolError(Reason.PROPOSAL_MISSING)
    check_prepare(config, state, message, state.round, state.accepted_proposal.qbft.root)


def upon_prepare(config: QbftConfig, state: State, message: ReceivedMessage) -> list[Output]:
    """Count a checked prepare; the one that completes the quorum locks the value and brings the commit."""
    had_quorum = has_quorum(config.member, state.prepares.of_round(state.round))
    added = state.prepares.add_first(message)
    proposal = state.accepted_proposal
    if not added or had_quorum or proposal is None:
        return []
    if not has_quorum(config.member, state.prepares.of_round(state.round)):
        return []
    state.last_prepared_value = proposal.signed.full_data
    state.last_prepared_round = state.round
    return [drafts.commit(state, proposal.qbft.root)]


def prepares_of_lock(config: QbftConfig, state: State) -> list[ReceivedMessage]:
    """Return the stored prepares that made the lock; none when there is no lock or they are no quorum."""
    if state.lock is None:
        return []
    round_, value = state.lock
    root = value_root(value)
    matching = [item for item in state.prepares.of_round(round_) if _is_prepare(config, state, item, round_, root)]
    return matching if has_quorum(config.member, matching) else []


def _is_prepare(config: QbftConfig, state: State, message: ReceivedMessage, round_: Round, root: Root) -> bool:
    try:
        check_prepare(config, state, message, round_, root)
    except ProtocolError:
        return False
    return True
