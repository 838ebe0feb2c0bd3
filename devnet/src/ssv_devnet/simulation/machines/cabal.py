"""The Byzantine members of a committee: what they know together, and how their messages get out.

Each runs an honest operator, whose messages a `Strategy` bends on their way out. They share their keys and everything
that any of them has heard. They have no key of an honest operator.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from ssv_devnet.simulation.forgery import Forger
from ssv_devnet.simulation.machines.door import Door
from ssv_protocol.errors import ProtocolError
from ssv_protocol.qbft.config import LeaderFunction
from ssv_protocol.runners.admission import duty_slot, open_content
from ssv_protocol.types.ids import Height, MessageId, OperatorId, Round, Slot
from ssv_protocol.types.message_id import message_role
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.partial_signatures import PartialSignatures
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import QbftMessageType

HEARD_MESSAGES = 1500
Content = QbftMessage | PartialSignatures
Consensus = tuple[MessageId, Height]


@dataclass(frozen=True, slots=True)
class Letter:
    """A message to one peer, held back for `delay_s`. `sender` is who puts it on the wire, whoever signed it."""

    sender: OperatorId
    receiver: OperatorId
    signed: SignedSSVMessage
    delay_s: float = 0.0


class Strategy(Protocol):
    """What a Byzantine operator makes of what its honest machine wants to say in a duty."""

    def bend(self, cabal: Cabal, me: Forger, signed: SignedSSVMessage, content: Content) -> Iterable[Letter]:
        """Return the letters to be sent instead of `signed` to everybody."""
        ...


@dataclass(slots=True)
class Cabal:
    """All Byzantine members. `leader_at` gives a slot's leader function, `post` sends a letter.

    `heard` are the QBFT messages that reached any of them, `split` the rounds in which a member's proposal was not the
    same for all.
    """

    members: Mapping[OperatorId, Forger]
    strategies: tuple[Strategy, ...]
    seed: int
    random: Random
    leader_at: Callable[[Slot], LeaderFunction]
    door: Door
    post: Callable[[Letter], None]
    used: Counter[str] = field(default_factory=Counter)
    heard: dict[bytes, tuple[SignedSSVMessage, QbftMessage]] = field(default_factory=dict)
    split: set[tuple[MessageId, Height, Round]] = field(default_factory=set)
    bad_shares: dict[OperatorId, set[Slot]] = field(default_factory=dict)

    def strategy_in(self, message_id: MessageId, slot: Slot, member: OperatorId) -> Strategy:
        """Return what a member does in a duty: in every second slot all do the same."""
        who = "all" if slot % 2 == 0 else str(member)
        return Random(f"{self.seed}/strategy/{slot}/{message_role(message_id)}/{who}").choice(self.strategies)

    def publish(self, me: OperatorId, signed: SignedSSVMessage) -> None:
        """Take what the honest machine of a member wants to say."""
        content = open_content(signed)
        strategy = self.strategy_in(signed.ssv_message.msg_id, duty_slot(content), me)
        self.used[type(strategy).__name__] += 1
        for letter in strategy.bend(self, self.members[me], signed, content):
            self.post(letter)

    def overhear(self, encoded: bytes) -> None:
        """Remember a genuine message of a peer."""
        try:
            message = self.door.admitted(encoded)
        except ProtocolError:
            return
        if isinstance(message.content, QbftMessage):
            self.heard.setdefault(encoded, (message.signed, message.content))
            if len(self.heard) > HEARD_MESSAGES:
                del self.heard[next(iter(self.heard))]

    def heard_of(self, kind: QbftMessageType) -> list[tuple[SignedSSVMessage, QbftMessage]]:
        """Return what was heard of a kind, by whomever."""
        return [item for item in self.heard.values() if item[1].msg_type == kind and len(item[0].operator_ids) == 1]

    def value_of(self, like: QbftMessage) -> bytes | None:
        """Return a value that was proposed in the consensus of a message."""
        where = like.identifier, like.height
        proposed = (item for item in self.heard_of(QbftMessageType.PROPOSAL))
        return next((signed.full_data for signed, qbft in proposed if (qbft.identifier, qbft.height) == where), None)

    def leads(self, height: Height, round_: Round, forger: Forger) -> bool:
        """Tell whether a member proposes in a round."""
        leader = self.leader_at(Slot(height))(height, round_, forger.member.operator_ids)
        return leader == forger.member.operator_id

    def honest_peers(self, me: Forger) -> list[OperatorId]:
        """Return everybody outside, in random order."""
        peers = [oid for oid in me.member.operator_ids if oid not in self.members]
        self.random.shuffle(peers)
        return peers


def to_all(me: Forger, signed: SignedSSVMessage, delay_s: float = 0.0) -> list[Letter]:
    """Return the letters by which an honest operator publishes."""
    return [Letter(me.member.operator_id, peer, signed, delay_s) for peer in me.others]
