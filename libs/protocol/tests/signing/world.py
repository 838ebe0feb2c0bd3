"""A small world for the tests of the signing rules: a network, a committee of four with real RSA keys."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from hashlib import sha256

from ssv_protocol.beacon_chain import BeaconChain, BeaconFork, ScheduledFork
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.effects import QbftDraft
from ssv_protocol.forks import Network
from ssv_protocol.networks import local_network
from ssv_protocol.types.beacon.attestation import Checkpoint
from ssv_protocol.types.beacon_vote import BeaconVote
from ssv_protocol.types.committee import committee_id
from ssv_protocol.types.ids import (
    ZERO_ROOT,
    CommitteeId,
    Epoch,
    ExecutionAddress,
    ForkVersion,
    Height,
    MessageId,
    OperatorId,
    Root,
    Round,
    Slot,
)
from ssv_protocol.types.message_id import committee_message_id
from ssv_protocol.types.messages import SignedSSVMessage, SSVMessage
from ssv_protocol.types.operator import CommitteeMember, Operator
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import MsgType, QbftMessageType, RunnerRole

SLOTS_PER_EPOCH = 8
BOOLE_EPOCH = Epoch(1_000)
CHAIN = BeaconChain(
    genesis_time_s=0,
    genesis_validators_root=Root(b"\x11" * 32),
    slot_duration_s=6.0,
    slots_per_epoch=SLOTS_PER_EPOCH,
    epochs_per_sync_committee_period=8,
    sync_committee_size=512,
    forks=(ScheduledFork(BeaconFork.FULU, ForkVersion(b"\x70\x00\x00\x01"), Epoch(0)),),
)
NETWORK = Network(local_network(ExecutionAddress(bytes(20)), 6.0, BOOLE_EPOCH), CHAIN)
CLOCK = Slot(10 * SLOTS_PER_EPOCH + 3)
OPERATORS = tuple(OperatorId(number) for number in (1, 2, 3, 4))
COMMITTEE: CommitteeId = committee_id(OPERATORS)


def root_of(value: bytes) -> Root:
    return Root(sha256(value).digest())


def message_id(role: RunnerRole = RunnerRole.COMMITTEE, slot: Slot = CLOCK) -> MessageId:
    return committee_message_id(NETWORK.domain_at(slot), role, COMMITTEE)


def qbft_draft(
    kind: QbftMessageType,
    at_round: int,
    value: bytes = b"",
    *,
    prepared_round: int = 0,
    height: int = CLOCK,
    identifier: bytes | None = None,
) -> QbftDraft:
    """Draft a step as the protocol forms it; a round change has `value` only if it was prepared."""
    is_change = kind == QbftMessageType.ROUND_CHANGE
    root = ZERO_ROOT if is_change and not prepared_round else root_of(value)
    carries = kind == QbftMessageType.PROPOSAL or (is_change and prepared_round)
    message = QbftMessage(
        kind,
        Height(height),
        Round(at_round),
        message_id() if identifier is None else identifier,
        root,
        Round(prepared_round),
    )
    return QbftDraft(message, value if carries else b"")


@cache
def keys() -> dict[OperatorId, OperatorPrivateKey]:
    return {operator: OperatorPrivateKey.generate() for operator in (*OPERATORS, OperatorId(9))}


@cache
def member() -> CommitteeMember:
    operators = tuple(Operator(operator, keys()[operator].public_pem()) for operator in OPERATORS)
    domain = NETWORK.domain_at(CLOCK)
    return CommitteeMember(OPERATORS[0], COMMITTEE, operators[0].public_key, 1, operators, domain)


def vote_for(slot: Slot, *, source: int | None = None, target: int | None = None, head: int = 7) -> BeaconVote:
    epoch = CHAIN.epoch_of(slot)
    return BeaconVote(
        Root(bytes([head]) * 32),
        Checkpoint(Epoch(epoch - 1 if source is None else source), Root(b"\x02" * 32)),
        Checkpoint(Epoch(epoch if target is None else target), Root(b"\x03" * 32)),
    )


@dataclass(frozen=True)
class Decision:
    """How to make a decided message; the defaults make a good one."""

    value: bytes
    slot: Slot = CLOCK
    at_round: int = 1
    kind: QbftMessageType = QbftMessageType.COMMIT
    msg_type: MsgType = MsgType.CONSENSUS
    signers: tuple[int, ...] = (1, 2, 3)
    sign_as: tuple[int, ...] | None = None
    root: Root | None = None
    outer_id: MessageId | None = None
    inner_id: MessageId | None = None

    def signed(self) -> SignedSSVMessage:
        inner = message_id() if self.inner_id is None else self.inner_id
        root = root_of(self.value) if self.root is None else self.root
        qbft = QbftMessage(self.kind, Height(self.slot), Round(self.at_round), inner, root)
        message = SSVMessage(self.msg_type, message_id() if self.outer_id is None else self.outer_id, qbft.encode())
        signatures = tuple(keys()[OperatorId(key)].sign(message) for key in self.sign_as or self.signers)
        return SignedSSVMessage(signatures, tuple(OperatorId(signer) for signer in self.signers), message, self.value)
