"""Gossip messages of a committee, signed with its operators' keys, of which none makes another one bad.

Validation lets an operator say each thing once a round, so messages are spread over rounds, kinds and recent slots.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256

from ssv_protocol.beacon_chain import BeaconChain, BeaconFork, ScheduledFork
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.forks import Network
from ssv_protocol.networks import local_network
from ssv_protocol.types.committee import committee_id
from ssv_protocol.types.ids import (
    Epoch,
    ExecutionAddress,
    ForkVersion,
    Height,
    Instant,
    OperatorId,
    Root,
    Round,
    RsaSignature,
    Slot,
)
from ssv_protocol.types.message_id import committee_message_id
from ssv_protocol.types.messages import SignedSSVMessage, SSVMessage
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import MsgType, QbftMessageType, RunnerRole
from ssv_protocol.validation.topology import topic_at


def network_from_now() -> Network:
    """Return a network whose chain began a few minutes ago."""
    chain = BeaconChain(
        genesis_time_s=int(time.time()) - 600,
        genesis_validators_root=Root(b"\x11" * 32),
        slot_duration_s=6.0,
        slots_per_epoch=8,
        epochs_per_sync_committee_period=8,
        sync_committee_size=512,
        forks=(ScheduledFork(BeaconFork.FULU, ForkVersion(b"\x70\x00\x00\x01"), Epoch(0)),),
    )
    return Network(local_network(ExecutionAddress(bytes(20)), 6.0), chain)


ROUNDS = range(1, 11)
BACK = range(2, 7)
"""Slots before the running one, in which all these rounds can have come, and whose messages live on for a while."""
Place = tuple[Slot, Round, QbftMessageType]
Members = tuple[int, ...]
KINDS = (QbftMessageType.PREPARE, QbftMessageType.COMMIT, QbftMessageType.ROUND_CHANGE)


@dataclass
class Author:
    """Writes messages of one committee, each different from the others.

    At any time there are 150 of an operator, and a dozen proposals; after each slot there are new ones.
    """

    network: Network
    keys: dict[OperatorId, OperatorPrivateKey]
    members: tuple[int, ...]
    count: int = 0
    taken: set[tuple[int, Place]] = field(default_factory=set)

    @property
    def operators(self) -> tuple[OperatorId, ...]:
        return tuple(OperatorId(member) for member in self.members)

    @property
    def committee(self) -> bytes:
        return committee_id(self.operators)

    @property
    def topic(self) -> str:
        return topic_at(self.network, self.slot, self.operators)

    @property
    def slot(self) -> Slot:
        return self.network.chain.slot_at(Instant(time.time()))

    def message(self, signer: int) -> bytes:
        """Return a good message."""
        return self.signed(signer).encode()

    def signed(self, signer: int, size: int = 0) -> SignedSSVMessage:
        """Return a good message; a proposal of `size` bytes of value where a size is given."""
        slot, round_, kind = self._place(signer, (QbftMessageType.PROPOSAL,) if size else KINDS)
        self.count += 1
        value = self.count.to_bytes(8, "big") + bytes(max(0, size - 8))
        identifier = committee_message_id(
            self.network.domain_at(slot), RunnerRole.COMMITTEE, committee_id(self.operators)
        )
        content = QbftMessage(kind, Height(slot), round_, identifier, Root(sha256(value).digest()))
        message = SSVMessage(MsgType.CONSENSUS, identifier, content.encode())
        signature = self.keys[OperatorId(signer)].sign(message)
        return SignedSSVMessage((signature,), (OperatorId(signer),), message, value if size else b"")

    def _place(self, signer: int, kinds: tuple[QbftMessageType, ...]) -> Place:
        """Take the first place where the operator has said nothing; of a slot, rounds ascend."""
        for place in self._places(signer, kinds):
            slot, round_, _ = place
            entered = max((taken[1] for by, taken in self.taken if (by, taken[0]) == (signer, slot)), default=round_)
            if (signer, place) not in self.taken and round_ >= entered:
                self.taken.add((signer, place))
                return place
        raise LookupError(f"operator {signer} has said all that it can say now")

    def _places(self, signer: int, kinds: tuple[QbftMessageType, ...]) -> Iterator[Place]:
        now = self.slot
        for number in ROUNDS:
            for back in BACK:
                slot, round_ = Slot(now - back), Round(number)
                leads = self.network.leader_at(slot)(Height(slot), round_, self.operators) == signer
                yield from ((slot, round_, kind) for kind in kinds if leads or kind != QbftMessageType.PROPOSAL)

    def proposal(self, signer: int, size: int) -> bytes:
        return self.signed(signer, size).encode()

    def forged(self, signer: int, by: int) -> bytes:
        """Return a message that names `signer` and is signed by another."""
        signed = self.signed(signer)
        return replace(signed, signatures=(RsaSignature(self.keys[OperatorId(by)].sign(signed.ssv_message)),)).encode()


class Crowd:
    """Several committees on one topic, for more messages than one can have: other operators with the same keys."""

    def __init__(
        self, network: Network, keys: dict[OperatorId, OperatorPrivateKey], members: Members, count: int
    ) -> None:
        self.keys = dict(keys)
        first = Author(network, self.keys, members)
        self.topic = first.topic
        self._authors = [first]
        self._turn = itertools.count()
        for start in itertools.count(1_000, len(members)):
            if len(self._authors) == count:
                break
            others = tuple(range(start, start + len(members)))
            if topic_at(network, first.slot, list(map(OperatorId, others))) == self.topic:
                self.keys.update({OperatorId(o): keys[OperatorId(m)] for o, m in zip(others, members, strict=True)})
                self._authors.append(Author(network, self.keys, others))

    @property
    def committees(self) -> list[Members]:
        return [author.members for author in self._authors]

    def message(self, seat: int, size: int = 0) -> bytes:
        """Return a good message of the operator in this seat of a committee; a proposal where a size is given."""
        author = self._authors[next(self._turn) % len(self._authors)]
        return author.signed(author.members[seat], size).encode()
