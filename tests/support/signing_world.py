"""What a signer's callers bring: committees with real operator keys, validators split among them, votes that they
decided, and drafts to sign. Our operator is number 1 and sits in every committee."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256

from ssv_api.v1 import signer_pb2 as pb
from ssv_protocol.beacon_chain import BeaconChain, BeaconFork, ScheduledFork
from ssv_protocol.crypto.bls import SecretKey
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.crypto.shares import encrypt_share, split_key
from ssv_protocol.forks import Network
from ssv_protocol.networks import local_network
from ssv_protocol.types.beacon.attestation import Checkpoint
from ssv_protocol.types.beacon_vote import BeaconVote
from ssv_protocol.types.committee import committee_id, quorum
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import (
    ZERO_ROOT,
    BlsPublicKey,
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
    ValidatorIndex,
)
from ssv_protocol.types.message_id import committee_message_id
from ssv_protocol.types.messages import SignedSSVMessage, SSVMessage
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import BeaconRole, MsgType, QbftMessageType, RunnerRole

OWN = OperatorId(1)


def local_chain(slots_per_epoch: int, slot_duration_s: float, genesis_time_s: int = 0) -> Network:
    """A local network under the rules of one fork."""
    chain = BeaconChain(
        genesis_time_s=genesis_time_s,
        genesis_validators_root=Root(b"\x11" * 32),
        slot_duration_s=slot_duration_s,
        slots_per_epoch=slots_per_epoch,
        epochs_per_sync_committee_period=8,
        sync_committee_size=512,
        forks=(ScheduledFork(BeaconFork.FULU, ForkVersion(b"\x70\x00\x00\x01"), Epoch(0)),),
    )
    return Network(local_network(ExecutionAddress(bytes(20)), slot_duration_s), chain)


@dataclass(frozen=True)
class Validator:
    """A validator with our share of its key."""

    index: ValidatorIndex
    pubkey: BlsPublicKey
    operators: tuple[OperatorId, ...]
    share: SecretKey
    add: pb.AddShareRequest = field(repr=False)

    @cached_property
    def share_pubkey(self) -> BlsPublicKey:
        return self.share.public_key()

    def duty(self, slot: Slot, role: int = BeaconRole.ATTESTER) -> ValidatorDuty:
        return ValidatorDuty(role, self.pubkey, slot, self.index, committee_length=8)


class SigningWorld:
    """A network and its operators."""

    def __init__(self, network: Network, operators: Sequence[int] = (1, 2, 3, 4)) -> None:
        self.network = network
        self.keys = {OperatorId(number): OperatorPrivateKey.generate() for number in operators}
        self.committee = tuple(sorted(self.keys))[:4]

    @property
    def own_key(self) -> OperatorPrivateKey:
        return self.keys[OWN]

    def validator(self, index: int, operators: Sequence[OperatorId] | None = None) -> Validator:
        """Split a new validator key among `operators` and prepare the request to hold our share."""
        committee = tuple(operators or self.committee)
        key = SecretKey.generate(secrets.token_bytes)
        share = split_key(key, committee, secrets.token_bytes)[OWN]
        add = pb.AddShareRequest(
            validator_pubkey=key.public_key(),
            share_pubkey=share.public_key(),
            encrypted_share=encrypt_share(self.own_key.public_pem(), share),
            operator_id=OWN,
            committee=[
                pb.CommitteeOperator(operator_id=number, public_key=self.keys[number].public_pem())
                for number in committee
            ],
        )
        return Validator(ValidatorIndex(index), key.public_key(), committee, share, add)

    def committee_id(self, operators: Sequence[OperatorId] | None = None) -> CommitteeId:
        return committee_id(operators or self.committee)

    def message_id(
        self, slot: Slot, operators: Sequence[OperatorId] | None = None, role: RunnerRole = RunnerRole.COMMITTEE
    ) -> MessageId:
        return committee_message_id(self.network.domain_at(slot), role, self.committee_id(operators))

    def vote(self, slot: Slot, head: bytes = b"head", *, source: int | None = None) -> BeaconVote:
        epoch = self.network.chain.epoch_of(slot)
        return BeaconVote(
            Root(sha256(head).digest()),
            Checkpoint(Epoch(epoch - 1 if source is None else source), Root(b"\x02" * 32)),
            Checkpoint(epoch, Root(b"\x03" * 32)),
        )

    def decided(
        self,
        vote: BeaconVote,
        slot: Slot,
        operators: Sequence[OperatorId] | None = None,
        *,
        signers: int | None = None,
    ) -> SignedSSVMessage:
        """Let the others of the committee decide a vote."""
        committee = tuple(operators or self.committee)
        return self.decided_value(vote.encode(), slot, self.message_id(slot, committee), committee, signers=signers)

    def decided_value(
        self,
        value: bytes,
        slot: Slot,
        identifier: MessageId,
        operators: Sequence[OperatorId] | None = None,
        *,
        signers: int | None = None,
    ) -> SignedSSVMessage:
        """Let the others of a committee decide any value, under any message id."""
        committee = tuple(operators or self.committee)
        commit = QbftMessage(QbftMessageType.COMMIT, Height(slot), Round(1), identifier, Root(sha256(value).digest()))
        message = SSVMessage(MsgType.CONSENSUS, identifier, commit.encode())
        others = [number for number in committee if number != OWN][: signers or quorum(len(committee))]
        signatures = tuple(self.keys[number].sign(message) for number in others)
        return SignedSSVMessage(signatures, tuple(others), message, value)

    def post_consensus(
        self, validators: Sequence[Validator], slot: Slot, vote: BeaconVote | None = None, *, signers: int | None = None
    ) -> pb.PostConsensusDraft:
        """Ask for the attestations of validators of one committee."""
        operators = validators[0].operators
        decided = self.decided(vote or self.vote(slot), slot, operators, signers=signers)
        return pb.PostConsensusDraft(
            message_id=self.message_id(slot, operators),
            slot=slot,
            decided=decided.encode(),
            duties=[validator.duty(slot).encode() for validator in validators],
        )

    def qbft(
        self,
        kind: QbftMessageType,
        slot: Slot,
        value: bytes,
        at_round: int = 1,
        operators: Sequence[OperatorId] | None = None,
    ) -> pb.QbftDraft:
        """Draft a step about `value`; a round change is an unprepared one."""
        change = kind == QbftMessageType.ROUND_CHANGE
        root = ZERO_ROOT if change else Root(sha256(value).digest())
        message = QbftMessage(kind, Height(slot), Round(at_round), self.message_id(slot, operators), root)
        return pb.QbftDraft(message=message.encode(), full_data=value if kind == QbftMessageType.PROPOSAL else b"")
