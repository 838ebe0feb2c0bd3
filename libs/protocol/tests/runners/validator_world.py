"""What the tests of single validators' runners share: a seat, a block, its committee's messages; operator 1 is ours."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from hashlib import sha256

from libs.protocol.tests.runners.world import A, share, share_keys, sign, validator_key
from libs.protocol.tests.signing.world import CHAIN, CLOCK, NETWORK, keys, member
from libs.protocol.tests.types.zeros import zero

from ssv_protocol.beacon_chain import BeaconFork
from ssv_protocol.crypto.combine import combine
from ssv_protocol.effects import Combine, Effect, QbftDraft, Received
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.runners.admission import open_content
from ssv_protocol.runners.runner import Runner
from ssv_protocol.runners.seats import ValidatorSeat
from ssv_protocol.types.beacon import electra, fulu
from ssv_protocol.types.beacon.block_proposal import BlockProposal
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import Height, Instant, MessageId, OperatorId, Root, Round, Slot, ValidatorIndex
from ssv_protocol.types.messages import SignedSSVMessage, SSVMessage
from ssv_protocol.types.partial_signatures import PartialSignature, PartialSignatures
from ssv_protocol.types.proposer_data import ProposerConsensusData
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import BeaconRole, MsgType, PartialSignatureType, QbftMessageType

AT = Instant(CHAIN.slot_start(CLOCK) + 0.25)


def duty(role: BeaconRole, slot: Slot = CLOCK, index: ValidatorIndex = A) -> ValidatorDuty:
    return ValidatorDuty(role, validator_key(index).public_key(), slot, index)


def seat(**settings: object) -> ValidatorSeat:
    return ValidatorSeat(member(), share(A), NETWORK, **settings)  # type: ignore[arg-type]


def full_block(slot: Slot = CLOCK, graffiti: bytes = bytes(32)) -> BlockProposal:
    body = zero(electra.BeaconBlockBody, graffiti=graffiti)
    block = zero(electra.BeaconBlock, slot=slot, proposer_index=A, body=body)
    return BlockProposal(BeaconFork.FULU, fulu.BlockContents(block, (bytes(48),), (b"\x01" * 131072,)))


def value_of(proposal: BlockProposal, at: ValidatorDuty | None = None) -> bytes:
    return ProposerConsensusData(at or duty(BeaconRole.PROPOSER), proposal.fork, proposal.encode()).encode()


def receive(machine: Runner, signed: SignedSSVMessage, at: Instant = AT) -> list[Effect]:
    return machine.step(Received(signed, open_content(signed)), at)


def refusal(machine: Runner, signed: SignedSSVMessage) -> Reason:
    try:
        receive(machine, signed)
    except ProtocolError as error:
        return error.reason
    raise AssertionError("not refused")


def combine_all(machine: Runner, effects: list[Effect]) -> list[Effect]:
    (job,) = effects
    assert isinstance(job, Combine)
    return machine.step(combine(job, secrets.token_bytes), AT)


def partial(
    machine: Runner,
    operator: int,
    root: Root,
    kind: PartialSignatureType,
    *,
    slot: Slot | None = None,
    index: ValidatorIndex = A,
    good: bool = True,
    times: int = 1,
) -> SignedSSVMessage:
    """Return an operator's message of one share signature; not `good` is one by a key that is not the share's."""
    key = share_keys(A)[OperatorId(operator)] if good else validator_key(A)
    item = PartialSignature(key.sign(root), root, OperatorId(operator), index)
    batch = PartialSignatures(kind, machine.duty.slot if slot is None else slot, (item,) * times)
    message = SSVMessage(MsgType.PARTIAL_SIGNATURE, machine.message_id, batch.encode())
    return SignedSSVMessage((keys()[OperatorId(operator)].sign(message),), (OperatorId(operator),), message)


@dataclass(frozen=True)
class Qbft:
    """A committee's consensus messages about one value."""

    message_id: MessageId
    value: bytes
    slot: Slot = CLOCK
    round: int = 1

    def message(self, operator: int, kind: QbftMessageType) -> SignedSSVMessage:
        full = self.value if kind is QbftMessageType.PROPOSAL else b""
        return sign(operator, QbftDraft(self._content(kind), full))

    def decided(self, signers: tuple[int, ...] = (2, 3, 4)) -> SignedSSVMessage:
        message = SSVMessage(MsgType.CONSENSUS, self.message_id, self._content(QbftMessageType.COMMIT).encode())
        operators = tuple(OperatorId(signer) for signer in signers)
        return SignedSSVMessage(tuple(keys()[me].sign(message) for me in operators), operators, message, self.value)

    def _content(self, kind: QbftMessageType) -> QbftMessage:
        root = Root(sha256(self.value).digest())
        return QbftMessage(kind, Height(self.slot), Round(self.round), self.message_id, root)
