"""Honest committees that decide, one after the other: real QBFT instances over real gateways and their buses.

Each gateway is one operator's; the operator's worker is here: it verifies every signature, steps its instance, signs
with its key and publishes over the bus. Rounds take what they take on the network; of each decision the round is noted.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from nats.aio.msg import Msg

from ssv_protocol.crypto.rsa import OperatorPrivateKey, verify_envelope
from ssv_protocol.effects import QbftDraft, Send
from ssv_protocol.errors import ProtocolError
from ssv_protocol.forks import Network
from ssv_protocol.qbft.config import QbftConfig
from ssv_protocol.qbft.instance import Instance
from ssv_protocol.qbft.outputs import Decided, Output, StartTimer
from ssv_protocol.qbft.state import State
from ssv_protocol.types.committee import committee_id, faulty_nodes
from ssv_protocol.types.ids import Height, Instant, OperatorId, Slot
from ssv_protocol.types.message_id import committee_message_id
from ssv_protocol.types.messages import SignedSSVMessage, SSVMessage
from ssv_protocol.types.operator import CommitteeMember
from ssv_protocol.types.operator import Operator as Member
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import MsgType, RunnerRole
from ssv_runtime.nats_permissions import GOSSIP_IN
from tests.support.gateway_operators import Operator

ROUND_S = 2.0
EACH_S = 0.4
"""From the start of one instance to that of the next."""
Key = tuple[bytes, Height]


@dataclass(frozen=True, slots=True)
class Decision:
    """Of one operator about one instance."""

    operator: OperatorId
    round: int
    took_ms: float


class Worker:
    """One operator's part in all instances."""

    def __init__(self, honest: Committees, gateway: Operator, seat: int) -> None:
        self._honest = honest
        self._gateway = gateway
        self._seat = seat
        self._running: dict[Key, tuple[Instance, float]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, members: Sequence[OperatorId], height: Height, value: bytes) -> None:
        honest = self._honest
        own = members[self._seat]
        slot = Slot(height)
        domain = honest.network.domain_at(slot)
        identifier = committee_message_id(domain, RunnerRole.COMMITTEE, committee_id(members))
        committee = tuple(Member(one, honest.keys[one].public_pem()) for one in members)
        seat = CommitteeMember(
            own, committee_id(members), honest.keys[own].public_pem(), faulty_nodes(len(members)), committee,
            domain,
        )  # fmt: skip
        config = QbftConfig(seat, honest.network.leader_at(slot), lambda value: None)
        instance = Instance(config, State(identifier, height))
        self._running[(bytes(committee_id(members)), height)] = (instance, time.monotonic())
        self._follow(instance, instance.start(value))

    def came(self, committee: bytes, signed: SignedSSVMessage) -> None:
        """Take a message that the gateway let through."""
        content = QbftMessage.decode(signed.ssv_message.data)
        running = self._running.get((committee, content.height))
        if running is None:
            return
        instance, begun = running
        assert verify_envelope(instance.config.member, signed), "the gateway let a forged message through"
        try:
            outputs = instance.process(signed)
        except ProtocolError:
            return  # late, or decided already
        self._follow(instance, outputs)
        for output in outputs:
            if isinstance(output, Decided):
                own = instance.config.member.operator_id
                took_ms = (time.monotonic() - begun) * 1e3
                round_ = QbftMessage.decode(output.commit.ssv_message.data).round
                self._honest.decisions.append(Decision(own, int(round_), took_ms))
                instance.stop()

    def _follow(self, instance: Instance, outputs: Sequence[Output]) -> None:
        for output in outputs:
            if isinstance(output, Send) and isinstance(output.draft, QbftDraft):
                self._spawn(self._send(instance, output.draft))
            elif isinstance(output, StartTimer):
                self._spawn(self._time(instance, int(output.round)))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self, instance: Instance, draft: QbftDraft) -> None:
        member = instance.config.member
        message = SSVMessage(MsgType.CONSENSUS, draft.message_id, draft.message.encode())
        signature = self._honest.keys[member.operator_id].sign(message)
        signed = SignedSSVMessage((signature,), (member.operator_id,), message, draft.full_data)
        self.came(bytes(member.committee_id), signed)
        reply = await self._gateway.publish(self._honest.topic, signed.encode())
        if reply.error:
            self._honest.refused.append(reply.error)

    async def _time(self, instance: Instance, round_: int) -> None:
        await asyncio.sleep(ROUND_S)
        if not instance.state.decided and instance.can_process and instance.state.round == round_:
            self._follow(instance, instance.on_timeout())


class Committees:
    """All honest operators: instance after instance, each of another committee, until stopped."""

    def __init__(
        self,
        network: Network,
        keys: dict[OperatorId, OperatorPrivateKey],
        topic: str,
        committees: Sequence[tuple[int, ...]],
        gateways: Sequence[Operator],
    ) -> None:
        self.network = network
        self.keys = keys
        self.topic = topic
        self.decisions: list[Decision] = []
        self.refused: list[str] = []
        self.started = 0
        self._committees = [tuple(map(OperatorId, members)) for members in committees]
        self._gateways = gateways
        self._workers = [Worker(self, gateway, seat) for seat, gateway in enumerate(gateways)]

    async def run(self) -> None:
        """Start instances at an even pace, until cancelled."""
        for gateway, worker in zip(self._gateways, self._workers, strict=True):
            await self._listen(gateway, worker)
        for members in itertools.cycle(self._committees):
            height = Height(self.network.chain.slot_at(Instant(time.time())))
            value = sha256(repr((members, height)).encode()).digest()
            for worker in self._workers:
                worker.start(members, height, value)
            self.started += 1
            await asyncio.sleep(EACH_S)

    async def _listen(self, gateway: Operator, worker: Worker) -> None:
        async def came(message: Msg) -> None:
            worker.came(bytes.fromhex(message.subject.rpartition(".")[2]), SignedSSVMessage.decode(message.data))

        await gateway.worker.subscribe(f"{GOSSIP_IN}.*", cb=came)
        await gateway.worker.flush()
