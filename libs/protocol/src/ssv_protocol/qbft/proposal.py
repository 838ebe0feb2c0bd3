"""Proposals: the leader's value for a round, which a good one takes everybody into.

Source: ssv-spec qbft/proposal.go.
"""

from __future__ import annotations

from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.qbft import drafts
from ssv_protocol.qbft.config import QbftConfig
from ssv_protocol.qbft.justification import check_justification
from ssv_protocol.qbft.outputs import Output, StartTimer
from ssv_protocol.qbft.received import (
    ReceivedMessage,
    check_committee,
    check_full_data,
    check_height,
    check_one_signer,
)
from ssv_protocol.qbft.state import State
from ssv_protocol.types.ids import Round


def check_proposal(config: QbftConfig, state: State, message: ReceivedMessage) -> None:
    """Check a proposal of the current round or a later one, but not its own signature.

    Raises:
        ProtocolError: WRONG_HEIGHT, ONE_SIGNER_ONLY, SIGNER_NOT_IN_COMMITTEE, PROPOSAL_LEADER,
            PROPOSAL_INVALID (malformed, or the round has its proposal already), VALUE_ROOT, SSZ_DECODE, and
            those of `check_justification`.
    """
    check_height(message, state.height)
    check_one_signer(message)
    check_committee(message, config.member.operator_ids)
    leader = config.leader_of(state.height, message.round)
    if message.signers != (leader,):
        raise ProtocolError(Reason.PROPOSAL_LEADER, f"{message.signers[0]}, not {leader}")
    try:
        message.validate()
    except ProtocolError as error:
        raise ProtocolError(Reason.PROPOSAL_INVALID, str(error)) from None
    check_full_data(message, message.signed.full_data)
    check_justification(
        config,
        state,
        message.round,
        message.signed.full_data,
        round_changes=message.round_change_justification,
        prepares=message.prepare_justification,
    )
    if not is_open(state, message.round):
        raise ProtocolError(Reason.PROPOSAL_INVALID, f"round {message.round} has its proposal")


def is_open(state: State, round_: Round) -> bool:
    """Tell whether a proposal of this round can be accepted: none is yet, and the round is not over."""
    return round_ > state.round or (round_ == state.round and state.accepted_proposal is None)


def upon_proposal(state: State, message: ReceivedMessage) -> list[Output]:
    """Accept a checked proposal, in its round, and prepare it."""
    if not state.proposals.add_first(message):
        return []
    outputs: list[Output] = [StartTimer(message.round)] if message.round > state.round else []
    state.enter_round(message.round)
    state.accepted_proposal = message
    return [*outputs, drafts.prepare(state, message.qbft.root)]
