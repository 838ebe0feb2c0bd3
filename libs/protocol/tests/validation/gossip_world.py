"""A registry with one committee of four, and makers of its gossip messages; every default makes a good one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from types import MappingProxyType

from libs.protocol.tests.signing.world import CHAIN, CLOCK, NETWORK, OPERATORS, keys, message_id

from ssv_protocol.registry.state import OperatorRecord, RegistryState, ValidatorRecord, cluster_id
from ssv_protocol.types.ids import (
    BlsPublicKey,
    BlsSignature,
    ExecutionAddress,
    Height,
    Instant,
    MessageId,
    OperatorId,
    Root,
    Round,
    RsaSignature,
    Slot,
    ValidatorIndex,
)
from ssv_protocol.types.message_id import validator_message_id
from ssv_protocol.types.messages import SignedSSVMessage, SSVMessage
from ssv_protocol.types.partial_signatures import PartialSignature, PartialSignatures
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import MsgType, PartialSignatureType, QbftMessageType, RunnerRole
from ssv_protocol.validation.directory import Directory, directory_of
from ssv_protocol.validation.topology import topic_at

VALUE = b"a value" * 20
OWNER = ExecutionAddress(b"\x0a" * 20)
VALIDATOR = BlsPublicKey(b"\x21" * 48)
LIQUIDATED = BlsPublicKey(b"\x22" * 48)
LIQUIDATED_OPERATORS = tuple(OperatorId(number) for number in (1, 2, 3, 9))
STRANGER = OperatorId(9)
TOPIC = topic_at(NETWORK, CLOCK, OPERATORS)
NOW = Instant(CHAIN.slot_start(CLOCK) + 1.0)


def validator(public_key: BlsPublicKey, operators: tuple[OperatorId, ...], *, liquidated: bool) -> ValidatorRecord:
    share_keys = tuple(BlsPublicKey(bytes([operator]) * 48) for operator in operators)
    encrypted = tuple(bytes(256) for _ in operators)
    return ValidatorRecord(
        public_key, OWNER, operators, share_keys, encrypted, cluster_id(OWNER, operators), liquidated
    )


@cache
def state() -> RegistryState:
    records = (
        validator(VALIDATOR, OPERATORS, liquidated=False),
        validator(LIQUIDATED, LIQUIDATED_OPERATORS, liquidated=True),
    )
    operators = {number: OperatorRecord(number, OWNER, b"", key.public_pem()) for number, key in keys().items()}
    return RegistryState(
        1,
        b"\x01" * 32,
        MappingProxyType(operators),
        MappingProxyType({record.public_key: record for record in records}),
    )


@cache
def directory() -> Directory:
    return directory_of(state())


def validator_id(role: RunnerRole, slot: Slot = CLOCK, key: BlsPublicKey = VALIDATOR) -> MessageId:
    return validator_message_id(NETWORK.domain_at(slot), role, key)


def signed(
    content: bytes,
    kind: int = MsgType.CONSENSUS,
    identifier: MessageId | None = None,
    *,
    signers: tuple[int, ...] = (1,),
    full_data: bytes = b"",
) -> SignedSSVMessage:
    message = SSVMessage(kind, message_id() if identifier is None else identifier, content)
    operators = tuple(OperatorId(signer) for signer in signers)
    signatures = tuple(
        keys()[operator].sign(message) if operator in keys() else RsaSignature(bytes(256)) for operator in operators
    )
    return SignedSSVMessage(signatures, operators, message, full_data)


@dataclass(frozen=True)
class Consensus:
    kind: int = QbftMessageType.PREPARE
    slot: Slot = CLOCK
    round: int = 1
    outer_id: MessageId | None = None
    inner_id: MessageId | None = None
    signers: tuple[int, ...] = (1,)
    value: bytes = VALUE
    full_data: bytes = b""
    round_changes: tuple[bytes, ...] = ()
    prepares: tuple[bytes, ...] = ()

    def signed(self) -> SignedSSVMessage:
        outer = message_id(slot=self.slot) if self.outer_id is None else self.outer_id
        message = QbftMessage(
            self.kind,
            Height(self.slot),
            Round(self.round),
            outer if self.inner_id is None else self.inner_id,
            Root(sha256(self.value).digest()),
            round_change_justification=self.round_changes,
            prepare_justification=self.prepares,
        )
        return signed(message.encode(), MsgType.CONSENSUS, outer, signers=self.signers, full_data=self.full_data)


@dataclass(frozen=True)
class Partials:
    type: int = PartialSignatureType.POST_CONSENSUS
    slot: Slot = CLOCK
    count: int = 2
    identifier: MessageId | None = None
    signers: tuple[int, ...] = (1,)
    inner_signer: int = 1
    full_data: bytes = b""

    def signed(self) -> SignedSSVMessage:
        one = PartialSignature(
            BlsSignature(b"\x05" * 96), Root(b"\x06" * 32), OperatorId(self.inner_signer), ValidatorIndex(7)
        )
        content = PartialSignatures(self.type, self.slot, (one,) * self.count).encode()
        identifier = message_id(slot=self.slot) if self.identifier is None else self.identifier
        return signed(content, MsgType.PARTIAL_SIGNATURE, identifier, signers=self.signers, full_data=self.full_data)


def with_data(message: SignedSSVMessage, data: bytes) -> SignedSSVMessage:
    return replace(message, ssv_message=replace(message.ssv_message, data=data))
