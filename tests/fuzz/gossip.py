"""Gossip: messages near good ones, and content near good content under real operators' signatures."""

from __future__ import annotations

from hypothesis import strategies as st
from libs.protocol.tests.signing.world import OPERATORS, message_id
from libs.protocol.tests.validation.good_messages import GOOD
from libs.protocol.tests.validation.gossip_world import NOW, PEER, TOPIC, knowledge, signed, validator_id

from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.roles import MsgType, RunnerRole
from ssv_protocol.validation.gossip import validate
from ssv_protocol.validation.history import Histories
from ssv_protocol.validation.verdict import Accept, GossipVerdict
from tests.fuzz.mutation import nearly
from tests.fuzz.target import Target


def _outcome(verdict: GossipVerdict) -> str:
    return "accepted" if isinstance(verdict, Accept) else str(verdict.reason)


def _near_messages() -> Target[bytes]:
    histories = Histories()

    def judge(data: bytes) -> str:
        return _outcome(validate(knowledge(), histories, PEER, TOPIC, data, NOW))

    return Target("gossip message", nearly([make().encode() for make in GOOD.values()]), judge)


def _signed_content() -> Target[SignedSSVMessage]:
    """Past the envelope, whose least change the signature shows."""
    histories = Histories()
    content = nearly([make().ssv_message.data for make in GOOD.values()])
    identifiers = [message_id(), *(validator_id(role) for role in RunnerRole if role > 0 and role <= 5)]
    signers = st.sampled_from([(1,), (2,), (4,), (1, 2, 3), tuple(OPERATORS)])
    messages = st.builds(
        signed,
        content,
        st.sampled_from([MsgType.CONSENSUS, MsgType.PARTIAL_SIGNATURE]),
        st.sampled_from(identifiers),
        signers=signers,
        full_data=st.binary(max_size=8),
    )

    def judge(message: SignedSSVMessage) -> str:
        return _outcome(validate(knowledge(), histories, PEER, TOPIC, message.encode(), NOW))

    return Target("signed gossip content", messages, judge)


def targets() -> list[Target[bytes] | Target[SignedSSVMessage]]:
    """Return the targets."""
    return [_near_messages(), _signed_content()]
