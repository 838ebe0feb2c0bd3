"""Decided messages: a quorum of signatures in one commit decides by itself, whatever the instance knows.

Source: ssv-spec qbft/decided.go.
"""

from __future__ import annotations

from ssv_protocol.qbft.commit import check_any_commit
from ssv_protocol.qbft.config import QbftConfig
from ssv_protocol.qbft.received import ReceivedMessage, check_full_data, check_signatures, unique_signers
from ssv_protocol.qbft.state import State
from ssv_protocol.types.operator import CommitteeMember
from ssv_protocol.types.roles import QbftMessageType


def is_decided_message(member: CommitteeMember, message: ReceivedMessage) -> bool:
    """Tell whether the message claims a quorum of commits."""
    return len(message.signers) >= member.quorum and message.qbft.msg_type == QbftMessageType.COMMIT


def check_decided(config: QbftConfig, message: ReceivedMessage) -> None:
    """Check a decided message, all its signatures and its value's root included.

    Raises:
        ProtocolError: those of `check_any_commit`, MESSAGE_SIGNATURE, VALUE_ROOT.
    """
    check_any_commit(config, message, message.qbft.height)
    check_signatures(message, config.member)
    check_full_data(message, message.signed.full_data)


def upon_decided(state: State, message: ReceivedMessage) -> bool:
    """Take a checked decided message into the state; tell whether the state was undecided before.

    A message for a state that is decided is kept only when it has more signers than any kept before.
    """
    if state.decided:
        known = state.commits.longest_aggregate(message.round, message.signed.ssv_message)
        if len(message.signers) > len(unique_signers(known)):
            state.commits.add(message)
        return False
    state.commits.add(message)
    state.decided = True
    state.decided_value = message.signed.full_data
    state.round = message.round
    return True
