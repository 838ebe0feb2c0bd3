"""QBFT states as the vectors' JSON: reading the state before, writing the state after.

Source: ssv-spec qbft/json_testutils.go, qbft/state.go.
"""

from __future__ import annotations

from ssv_protocol.qbft.container import MessageContainer
from ssv_protocol.qbft.controller import Controller
from ssv_protocol.qbft.instance import Instance
from ssv_protocol.qbft.received import ReceivedMessage
from ssv_protocol.qbft.state import State
from ssv_protocol.types.ids import Height, MessageId, Root, Round
from ssv_protocol.types.operator import CommitteeMember
from ssv_protocol.types.qbft_message import QbftMessage
from tests.spec.go_json import (
    Json,
    parse_bytes,
    parse_hex,
    parse_signed,
    render_bytes,
    render_member,
    render_signed,
)


def parse_instance_state(tree: Json) -> State:
    """Read an Instance's state, start value and stop mark; its CommitteeMember is `tree["State"]`'s own."""
    state = tree["State"]
    return State(
        identifier=MessageId(parse_bytes(state["ID"])),
        height=Height(state["Height"]),
        round=Round(state["Round"]),
        last_prepared_round=Round(state["LastPreparedRound"]),
        last_prepared_value=_parse_value(state["LastPreparedValue"]),
        accepted_proposal=_parse_received(state["ProposalAcceptedForCurrentRound"]),
        decided=state["Decided"],
        decided_value=_parse_value(state["DecidedValue"]),
        proposals=_parse_container(state["ProposeContainer"]),
        prepares=_parse_container(state["PrepareContainer"]),
        commits=_parse_container(state["CommitContainer"]),
        round_changes=_parse_container(state["RoundChangeContainer"]),
        start_value=_parse_value(tree["StartValue"]),
        stopped=tree.get("forceStop", False),
    )


def render_state(member: CommitteeMember, state: State) -> Json:
    """Write a State."""
    return {
        "CommitteeMember": render_member(member),
        "ID": render_bytes(state.identifier),
        "Round": state.round,
        "Height": state.height,
        "LastPreparedRound": state.last_prepared_round,
        "LastPreparedValue": render_bytes(state.last_prepared_value),
        "ProposalAcceptedForCurrentRound": _render_received(state.accepted_proposal),
        "Decided": state.decided,
        "DecidedValue": render_bytes(state.decided_value),
        "ProposeContainer": _render_container(state.proposals),
        "PrepareContainer": _render_container(state.prepares),
        "CommitContainer": _render_container(state.commits),
        "RoundChangeContainer": _render_container(state.round_changes),
    }


def render_controller(member: CommitteeMember, controller: Controller) -> Json:
    """Write a Controller with its instances."""
    return {
        "Identifier": render_bytes(controller.identifier),
        "Height": controller.height,
        "StoredInstances": [render_instance(instance) for instance in controller.instances],
        "CommitteeMember": render_member(member),
    }


def render_instance(instance: Instance) -> Json:
    """Write an instance."""
    stopped = {"forceStop": True} if instance.state.stopped else {}
    return {
        **stopped,
        "State": render_state(instance.config.member, instance.state),
        "StartValue": render_bytes(instance.state.start_value),
    }


def _parse_value(text: str | None) -> bytes | None:
    return None if text is None else parse_bytes(text)


def _parse_received(tree: Json) -> ReceivedMessage | None:
    return None if tree is None else _parse_message(tree)


def _parse_message(tree: Json) -> ReceivedMessage:
    qbft = tree["QBFTMessage"]
    return ReceivedMessage(
        parse_signed(tree["SignedMessage"]),
        QbftMessage(
            msg_type=qbft["MsgType"],
            height=Height(qbft["Height"]),
            round=Round(qbft["Round"]),
            identifier=parse_bytes(qbft["Identifier"]),
            root=Root(parse_hex(qbft["Root"])),
            data_round=Round(qbft["DataRound"]),
            round_change_justification=_parse_list(qbft["RoundChangeJustification"]),
            prepare_justification=_parse_list(qbft["PrepareJustification"]),
        ),
    )


def _parse_list(items: list[str] | None) -> tuple[bytes, ...]:
    return tuple(parse_bytes(item) for item in items or ())


def _parse_container(tree: Json) -> MessageContainer:
    return MessageContainer(
        {Round(int(round_)): [_parse_message(item) for item in items] for round_, items in tree["Msgs"].items()}
    )


def _render_received(message: ReceivedMessage | None) -> Json:
    if message is None:
        return None
    qbft = message.qbft
    return {
        "SignedMessage": render_signed(message.signed),
        "QBFTMessage": {
            "DataRound": qbft.data_round,
            "Height": qbft.height,
            "Identifier": render_bytes(qbft.identifier),
            "MsgType": qbft.msg_type,
            "PrepareJustification": [render_bytes(item) for item in qbft.prepare_justification],
            "Root": qbft.root.hex(),
            "Round": qbft.round,
            "RoundChangeJustification": [render_bytes(item) for item in qbft.round_change_justification],
        },
    }


def _render_container(container: MessageContainer) -> Json:
    by_round = sorted(container.by_round.items(), key=lambda item: str(item[0]))
    return {"Msgs": {str(round_): [_render_received(item) for item in items] for round_, items in by_round}}
