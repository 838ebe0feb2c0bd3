"""Commits: a quorum of them, over one and the same content, decides.

Source: ssv-spec qbft/commit.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.qbft.config import QbftConfig
from ssv_protocol.qbft.outputs import Decided, Output
from ssv_protocol.qbft.received import (
    ReceivedMessage,
    check_committee,
    check_height,
    check_one_signer,
    check_round,
    has_quorum,
)
from ssv_protocol.qbft.state import State
from ssv_protocol.types.ids import Height
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.roles import QbftMessageType


def check_any_commit(config: QbftConfig, message: ReceivedMessage, height: Height) -> None:
    """Check what single commits and decided messages share.

    Raises:
        ProtocolError: COMMIT_INVALID, COMMIT_TYPE, WRONG_HEIGHT, SIGNER_NOT_IN_COMMITTEE.
    """
    try:
        message.validate()
    except ProtocolError as error:
        raise ProtocolError(Reason.COMMIT_INVALID, str(error)) from None
    if message.qbft.msg_type != QbftMessageType.COMMIT:
        raise ProtocolError(Reason.COMMIT_TYPE)
    check_height(message, height)
    check_committee(message, config.member.operator_ids)


def check_commit(config: QbftConfig, state: State, message: ReceivedMessage) -> None:
    """Check a single operator's commit to the accepted proposal, but not its signature.

    Raises:
        ProtocolError: PROPOSAL_MISSING, those of `check_any_commit`, ONE_SIGNER_ONLY, WRONG_ROUND,
            PROPOSED_DATA_MISMATCH.
    """
    if state.accepted_proposal is None:
        raise ProtocolError(Reason.PROPOSAL_MISSING)
    check_any_commit(config, message, state.height)
    check_one_signer(message)
    check_round(message, state.round)
    if message.qbft.root != state.accepted_proposal.qbft.root:
        raise ProtocolError(Reason.PROPOSED_DATA_MISMATCH)


def upon_commit(config: QbftConfig, state: State, message: ReceivedMessage) -> list[Output]:
    """Count a checked commit; decide when it completes a quorum."""
    proposal = state.accepted_proposal
    if not state.commits.add_first(message) or proposal is None:
        return []
    commits = state.commits.longest_aggregate(message.round, message.signed.ssv_message)
    if not has_quorum(config.member, commits):
        return []
    state.decided = True
    state.decided_value = proposal.signed.full_data
    return [Decided(aggregate(commits, proposal.signed.full_data), announce=True)]


def aggregate(commits: Sequence[ReceivedMessage], value: bytes) -> SignedSSVMessage:
    """Return one message with the signatures of all, by ascending operator id, and the value.

    The commits have equal content and disjoint signers (`MessageContainer.longest_aggregate`).

    Raises:
        ProtocolError: NO_COMMIT_MESSAGES.
    """
    if not commits:
        raise ProtocolError(Reason.NO_COMMIT_MESSAGES)
    signed = sorted(
        (operator_id, signature)
        for item in commits
        for operator_id, signature in zip(item.signers, item.signed.signatures, strict=True)
    )
    return replace(
        commits[0].signed,
        operator_ids=tuple(operator_id for operator_id, _ in signed),
        signatures=tuple(signature for _, signature in signed),
        full_data=value,
    )
