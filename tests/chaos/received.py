"""Every signature that was ever received, and whether any two of them contradict each other.

This is the outside's view: what a peer could hold against the operator.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.types.ids import BlsSignature, Root, RsaSignature, Slot, ValidatorIndex
from ssv_protocol.types.message_id import message_role
from ssv_protocol.types.messages import SignedSSVMessage, SSVMessage
from ssv_protocol.types.partial_signatures import PartialSignatures
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import MsgType, QbftMessageType, RunnerRole

Step = tuple[bytes, int, int, int]
"""Message id, height, type, round."""
Batch = tuple[bytes, int]
"""Message id, slot."""


@dataclass
class Received:
    """`violations` are sentences; `signatures` counts RSA and BLS signatures of distinct messages."""

    chain: BeaconChain
    steps: dict[Step, SSVMessage] = field(default_factory=dict)
    batches: dict[Batch, SSVMessage] = field(default_factory=dict)
    envelopes: dict[bytes, RsaSignature] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)
    answers: int = 0
    fresh: list[Step | Batch] = field(default_factory=list)
    _rounds: dict[tuple[bytes, int, int], set[Root]] = field(default_factory=lambda: defaultdict(set))
    _signed: dict[tuple[ValidatorIndex, str, str], set[Root]] = field(default_factory=lambda: defaultdict(set))

    @property
    def signatures(self) -> int:
        return len(self.envelopes) + sum(len(contents(message).messages) for message in self.batches.values())

    def add(self, encoded: bytes) -> None:
        """Take a signed message from the signer."""
        self.answers += 1
        signed = SignedSSVMessage.decode(encoded)
        message = signed.ssv_message
        self.envelopes[message.encode()] = signed.signatures[0]
        if message.msg_type == MsgType.CONSENSUS:
            self._add_step(message)
        else:
            self._add_batch(message)

    def _add_step(self, message: SSVMessage) -> None:
        qbft = QbftMessage.decode(message.data)
        step = (bytes(message.msg_id), int(qbft.height), qbft.msg_type, int(qbft.round))
        if self.steps.setdefault(step, message) != message:
            self.violations.append(f"two messages for one step: height {qbft.height}, round {qbft.round}")
        self.fresh.append(step)
        if qbft.msg_type != QbftMessageType.ROUND_CHANGE:
            roots = self._rounds[message.msg_id, qbft.height, qbft.round]
            roots.add(qbft.root)
            if len(roots) > 1:
                self.violations.append(f"two roots in one round: height {qbft.height}, round {qbft.round}")

    def _add_batch(self, message: SSVMessage) -> None:
        content = contents(message)
        batch = (bytes(message.msg_id), int(content.slot))
        if self.batches.setdefault(batch, message) != message:
            self.violations.append(f"two partial signature messages in slot {content.slot}")
        self.fresh.append(batch)
        when = f"epoch {self.chain.epoch_of(Slot(content.slot))}"
        said, when = ("proposed", f"slot {content.slot}") if is_block(message) else ("attested", when)
        for item in content.messages:
            roots = self._signed[item.validator_index, said, when]
            roots.add(item.signing_root)
            if len(roots) > 1:
                self.violations.append(f"SLASHABLE: validator {item.validator_index} {said} twice in {when}")

    def partial_signatures(self) -> Iterator[tuple[ValidatorIndex, Root, BlsSignature]]:
        """Every share signature received."""
        for message in self.batches.values():
            for item in contents(message).messages:
                yield item.validator_index, item.signing_root, item.signature


def is_block(message: SSVMessage) -> bool:
    """Whether partial signatures are of a block; else they are of attestations."""
    return message_role(message.msg_id) == RunnerRole.PROPOSER


def contents(message: SSVMessage) -> PartialSignatures:
    """The partial signatures in a message."""
    return PartialSignatures.decode(message.data)
