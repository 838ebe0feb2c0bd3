"""Round changes: a quorum lets the leader propose, f + 1 of them pull this operator along.

Source: ssv-spec qbft/round_change.go, qbft/timeout.go.
"""

from __future__ import annotations

from ssv_protocol.effects import Send
from ssv_protocol.errors import ProtocolError
from ssv_protocol.qbft import drafts
from ssv_protocol.qbft.config import QbftConfig
from ssv_protocol.qbft.justification import check_justification
from ssv_protocol.qbft.outputs import Output, StartTimer
from ssv_protocol.qbft.prepare import prepares_of_lock
from ssv_protocol.qbft.proposal import is_open
from ssv_protocol.qbft.received import ReceivedMessage, has_partial_quorum, has_quorum
from ssv_protocol.qbft.state import State
from ssv_protocol.types.ids import Round


def upon_round_change(config: QbftConfig, state: State, message: ReceivedMessage) -> list[Output]:
    """Count a checked round change; propose when it completes a quorum, or follow f + 1 to a later round."""
    had_quorum = has_quorum(config.member, state.round_changes.of_round(message.round))
    if not state.round_changes.add_first(message) or had_quorum:
        return []
    proposal = _justified_proposal(config, state, message.round)
    return [proposal] if proposal is not None else _follow(config, state)


def leave_round(config: QbftConfig, state: State) -> list[Output]:
    """Go to the next round because the time of this one is over."""
    round_ = Round(state.round + 1)
    send = change_to(config, state, round_)
    state.enter_round(round_)
    return [send, StartTimer(round_)]


def change_to(config: QbftConfig, state: State, round_: Round) -> Send:
    """Return this operator's round change."""
    return drafts.round_change(state, round_, prepares_of_lock(config, state))


def _justified_proposal(config: QbftConfig, state: State, round_: Round) -> Send | None:
    """Return the proposal that the round changes to `round_` allow this operator to make as the leader.

    The value comes from any of them, because the one that completes the quorum may be malicious. Only a
    prepared one lends its justification: what an unprepared one carries there means nothing.
    """
    round_changes = state.round_changes.of_round(round_)
    if not has_quorum(config.member, round_changes):
        return None
    if not config.leads(state.height, round_) or not is_open(state, round_):
        return None
    for base in round_changes:
        prepared = base.qbft.prepared
        value = base.signed.full_data if prepared else state.start_value or b""
        try:
            prepares = base.round_change_justification if prepared else ()
            check_justification(config, state, round_, value, round_changes=round_changes, prepares=prepares)
        except ProtocolError:
            continue
        return drafts.proposal(state, value, state.round_changes.of_round(state.round), prepares)
    return None


def _follow(config: QbftConfig, state: State) -> list[Output]:
    ahead = list(state.round_changes.after_round(state.round))
    if not has_partial_quorum(config.member, ahead):
        return []
    round_ = Round(min(item.round for item in ahead))
    state.enter_round(round_)
    return [StartTimer(round_), change_to(config, state, round_)]
