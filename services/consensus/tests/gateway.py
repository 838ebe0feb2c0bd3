"""One gateway for all operators of a test: what any of them publishes comes in at all of them, and can be replayed."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable

from ssv_api.v1.gateway_pb2 import PublishReply, Replay, ReplayedMessage
from ssv_consensus.committee_inbox import RECEIVED_HEADER
from ssv_protocol.runners.admission import open_content
from ssv_protocol.types.ids import CommitteeId
from ssv_protocol.types.message_id import COMMITTEE_ROLES, committee_of, message_role
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.partial_signatures import PartialSignatures
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_runtime.bus import Bus, Message
from ssv_runtime.nats_permissions import GOSSIP_IN, GOSSIP_OUT, REPLAY

Said = tuple[SignedSSVMessage, QbftMessage | PartialSignatures]


class TestGateway:
    """`topics` is where messages were published; `on_message` sees each before it is passed on."""

    __test__ = False

    def __init__(self, bus: Bus, committee_of_validators: CommitteeId) -> None:
        self.topics: set[str] = set()
        self.on_message: Callable[[Said], None] = lambda said: None
        self._bus = bus
        self._committee_of_validators = committee_of_validators
        self._kept: dict[str, list[ReplayedMessage]] = defaultdict(list)

    async def listen(self) -> None:
        await self._bus.subscribe(f"{GOSSIP_OUT}.>", self._publish)
        await self._bus.subscribe(f"{REPLAY}.*", self._replay)

    async def _publish(self, message: Message) -> None:
        self.topics.add(message.subject.removeprefix(f"{GOSSIP_OUT}."))
        signed = SignedSSVMessage.decode(message.data)
        message_id = signed.ssv_message.msg_id
        of_committee = message_role(message_id) in COMMITTEE_ROLES
        committee = (committee_of(message_id) if of_committee else self._committee_of_validators).hex()
        now_us = time.time_ns() // 1000
        self._kept[committee].append(ReplayedMessage(message=message.data, received_unix_us=now_us))
        self.on_message((signed, open_content(signed)))
        await self._bus.publish(f"{GOSSIP_IN}.{committee}", message.data, {RECEIVED_HEADER: str(now_us)})
        await message.respond(PublishReply(peers=3).SerializeToString())

    async def _replay(self, message: Message) -> None:
        kept = self._kept[message.subject.removeprefix(f"{REPLAY}.")]
        await message.respond(Replay(messages=kept[-200:]).SerializeToString())
