"""A registry with one committee of four, what the beacon chain says of its validators, and makers of gossip messages.

Every default makes a good message. The validator of the committee has every duty at `CLOCK`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from types import MappingProxyType

from libs.protocol.tests.signing.world import CHAIN, CLOCK, NETWORK, OPERATORS, keys, message_id

from ssv_protocol.registry.event_duties import EVENT_DUTY_SLOTS
from ssv_protocol.registry.state import ChainMoment, OperatorRecord, RegistryState, ValidatorRecord, cluster_id
from ssv_protocol.types.ids import (
    NO_ROUND,
    BlsPublicKey,
    BlsSignature,
    Epoch,
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
from ssv_protocol.validation.beacon_facts import BeaconFacts, BeaconValidator, NetworkDuties
from ssv_protocol.validation.directory import Directory, directory_of
from ssv_protocol.validation.gossip import validate
from ssv_protocol.validation.history import Histories
from ssv_protocol.validation.incoming import Knowledge
from ssv_protocol.validation.topology import topic_at
from ssv_protocol.validation.verdict import GossipVerdict

VALUE = b"a value" * 20
OWNER = ExecutionAddress(b"\x0a" * 20)
VALIDATOR = BlsPublicKey(b"\x21" * 48)
INDEX = ValidatorIndex(7)
LIQUIDATED = BlsPublicKey(b"\x22" * 48)
LIQUIDATED_OPERATORS = tuple(OperatorId(number) for number in (1, 2, 3, 9))
STRANGER = OperatorId(9)
TOPIC = topic_at(NETWORK, CLOCK, OPERATORS)
NOW = Instant(CHAIN.slot_start(CLOCK) + 1.0)
EPOCH = CHAIN.epoch_of(CLOCK)
PEER = b"a peer"
FAR_FUTURE = Epoch(2**64 - 1)
EXIT_ASKED = ChainMoment(5, int(CHAIN.slot_start(Slot(CLOCK - EVENT_DUTY_SLOTS))) + 2)


def validator(public_key: BlsPublicKey, operators: tuple[OperatorId, ...], *, liquidated: bool) -> ValidatorRecord:
    share_keys = tuple(BlsPublicKey(bytes([operator]) * 48) for operator in operators)
    encrypted = tuple(bytes(256) for _ in operators)
    return ValidatorRecord(
        public_key, OWNER, operators, share_keys, encrypted, cluster_id(OWNER, operators), liquidated
    )


@cache
def state() -> RegistryState:
    records = (
        replace(validator(VALIDATOR, OPERATORS, liquidated=False), exit_request=EXIT_ASKED),
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


@cache
def beacon() -> BeaconFacts:
    """The validator proposes at `CLOCK` and the two slots after it, and sits in the sync committee."""
    proposals = frozenset({(Slot(CLOCK + ahead), INDEX) for ahead in range(3)})
    duties = NetworkDuties(proposals, frozenset({INDEX}))
    return BeaconFacts(
        {EPOCH: duties, Epoch(EPOCH + 1): duties}, {VALIDATOR: BeaconValidator(INDEX, Epoch(1), FAR_FUTURE)}
    )


@cache
def knowledge() -> Knowledge:
    return Knowledge(NETWORK, directory(), beacon())


@dataclass
class Ears:
    """A node that hears messages, each from a peer, and remembers what it accepts."""

    knowledge: Knowledge | None
    histories: Histories

    def hear(
        self,
        message: SignedSSVMessage | bytes,
        topic: str = TOPIC,
        at: Instant = NOW,
        peer: bytes = PEER,
        *,
        is_author: bool = True,
    ) -> GossipVerdict:
        data = message if isinstance(message, bytes) else message.encode()
        return validate(self.knowledge, self.histories, peer, topic, data, at, is_author=is_author)


def ears(known: Knowledge | None = None) -> Ears:
    return Ears(known or knowledge(), Histories())


def leader(slot: Slot = CLOCK, round_: int = 1) -> int:
    return NETWORK.leader_at(slot)(Height(slot), Round(round_), OPERATORS)


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
    data_round: int = NO_ROUND

    def signed(self) -> SignedSSVMessage:
        outer = message_id(slot=self.slot) if self.outer_id is None else self.outer_id
        message = QbftMessage(
            self.kind,
            Height(self.slot),
            Round(self.round),
            outer if self.inner_id is None else self.inner_id,
            Root(sha256(self.value).digest()),
            Round(self.data_round),
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
    index: int = INDEX
    step: int = 0

    def signed(self) -> SignedSSVMessage:
        signature, root, signer = BlsSignature(b"\x05" * 96), Root(b"\x06" * 32), OperatorId(self.inner_signer)
        batch = tuple(
            PartialSignature(signature, root, signer, ValidatorIndex(self.index + place * self.step))
            for place in range(self.count)
        )
        content = PartialSignatures(self.type, self.slot, batch).encode()
        identifier = message_id(slot=self.slot) if self.identifier is None else self.identifier
        return signed(content, MsgType.PARTIAL_SIGNATURE, identifier, signers=self.signers, full_data=self.full_data)


def with_data(message: SignedSSVMessage, data: bytes) -> SignedSSVMessage:
    return replace(message, ssv_message=replace(message.ssv_message, data=data))
