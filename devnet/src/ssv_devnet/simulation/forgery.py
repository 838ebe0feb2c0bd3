"""What an operator with its own keys, and nobody else's, can put on the wire.

Everything here is really signed with the forger's RSA key and key shares; what claims to be another operator's
carries a signature that does not verify, as it would in life.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from random import Random

from ssv_protocol.crypto.bls import SecretKey
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.types.beacon.attestation import Checkpoint
from ssv_protocol.types.beacon_vote import BeaconVote
from ssv_protocol.types.ids import (
    FIRST_ROUND,
    ZERO_ROOT,
    BlsSignature,
    Epoch,
    MessageId,
    OperatorId,
    Root,
    Round,
    ValidatorIndex,
)
from ssv_protocol.types.messages import SignedSSVMessage, SSVMessage
from ssv_protocol.types.operator import CommitteeMember
from ssv_protocol.types.partial_signatures import PartialSignature, PartialSignatures
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import MsgType, QbftMessageType

SignItem = Callable[[PartialSignature], BlsSignature]


def root_of(value: bytes) -> Root:
    """Return the root by which QBFT names a value."""
    return Root(sha256(value).digest())


def with_other_head(value: bytes, which: int) -> bytes:
    """Return the same vote for another block: as good as the first in every peer's eyes."""
    vote = BeaconVote.decode(value)
    return replace(vote, block_root=Root(sha256(vote.block_root + bytes([which])).digest())).encode()


def with_other_checkpoints(value: bytes) -> bytes:
    """Return a vote for a link that surrounds the right one, which honest operators refuse for its epochs.

    Other roots with the right epochs would pass: without `same_roots` the value check asks for epochs only.
    """
    vote = BeaconVote.decode(value)
    if vote.source.epoch > 0:
        return replace(vote, source=Checkpoint(Epoch(vote.source.epoch - 1), vote.source.root)).encode()
    return replace(vote, target=Checkpoint(Epoch(vote.target.epoch + 1), vote.target.root)).encode()


@dataclass(frozen=True, slots=True)
class Forger:
    """One operator's keys without its rules."""

    member: CommitteeMember
    operator_key: OperatorPrivateKey
    shares: Mapping[ValidatorIndex, SecretKey]
    random: Random

    @property
    def others(self) -> tuple[OperatorId, ...]:
        """Everyone else in the committee."""
        return tuple(oid for oid in self.member.operator_ids if oid != self.member.operator_id)

    # consensus

    def consensus(self, message: QbftMessage, value: bytes = b"") -> SignedSSVMessage:
        """Return any QBFT message, signed."""
        content = SSVMessage(MsgType.CONSENSUS, message.message_id, message.encode())
        return SignedSSVMessage((self.operator_key.sign(content),), (self.member.operator_id,), content, value)

    def vote(self, like: QbftMessage, kind: QbftMessageType, root: Root, odd: bool = False) -> SignedSSVMessage:
        """Return a prepare or commit of the same round for a root; `odd` fills fields that a vote does not use."""
        data_round = Round(7) if odd else Round(0)
        return self.consensus(QbftMessage(kind, like.height, like.round, like.identifier, root, data_round))

    def proposal_out_of_turn(self, like: QbftMessage, round_: Round, value: bytes) -> SignedSSVMessage:
        """Return a proposal for a later round, justified by round changes that nobody else signed."""
        round_change = QbftMessage(QbftMessageType.ROUND_CHANGE, like.height, round_, like.identifier, ZERO_ROOT)
        return self.consensus(
            QbftMessage(
                QbftMessageType.PROPOSAL,
                like.height,
                round_,
                like.identifier,
                root_of(value),
                round_change_justification=self._in_all_names(round_change),
            ),
            value,
        )

    def prepared_round_change(self, like: QbftMessage, round_: Round, value: bytes) -> SignedSSVMessage:
        """Return a round change that claims a prepared value, proved by prepares that nobody else signed."""
        prepare = QbftMessage(QbftMessageType.PREPARE, like.height, FIRST_ROUND, like.identifier, root_of(value))
        return self.consensus(
            QbftMessage(
                QbftMessageType.ROUND_CHANGE,
                like.height,
                round_,
                like.identifier,
                root_of(value),
                FIRST_ROUND,
                self._in_all_names(prepare),
            ),
            value,
        )

    def decision(self, like: QbftMessage, value: bytes, signers: Iterable[OperatorId]) -> SignedSSVMessage:
        """Return a decided message in the names of many, all signed by this one operator."""
        commit = QbftMessage(QbftMessageType.COMMIT, like.height, like.round, like.identifier, root_of(value))
        content = SSVMessage(MsgType.CONSENSUS, like.message_id, commit.encode())
        names = tuple(sorted(signers))
        return SignedSSVMessage((self.operator_key.sign(content),) * len(names), names, content, value)

    def _in_all_names(self, message: QbftMessage) -> tuple[bytes, ...]:
        honest = self.consensus(message)
        return tuple(replace(honest, operator_ids=(oid,)).encode() for oid in self.member.operator_ids)

    # share signatures

    def batch(self, message_id: MessageId, partials: PartialSignatures) -> SignedSSVMessage:
        """Return a batch of share signatures in a signed envelope."""
        content = SSVMessage(MsgType.PARTIAL_SIGNATURE, message_id, partials.encode())
        return SignedSSVMessage((self.operator_key.sign(content),), (self.member.operator_id,), content)

    def garbage(self, partials: PartialSignatures) -> PartialSignatures:
        """Return the batch with bytes that are no points of the curve."""
        return self._each(partials, lambda _: BlsSignature(self.random.randbytes(96)))

    def infinity(self, partials: PartialSignatures) -> PartialSignatures:
        """Return the batch with the neutral element, which adds nothing to a sum."""
        return self._each(partials, lambda _: BlsSignature(bytes([0xC0]) + bytes(95)))

    def over_another_root(self, partials: PartialSignatures) -> PartialSignatures:
        """Return the batch with good signatures of the right shares over other roots than they claim."""
        return self._each(
            partials, lambda item: self.shares[item.validator_index].sign(Root(sha256(item.signing_root).digest()))
        )

    def for_another_root(self, partials: PartialSignatures) -> PartialSignatures:
        """Return a batch that is sound in itself, over roots that nobody decided."""
        others = ((item, Root(sha256(item.signing_root).digest())) for item in partials.messages)
        return replace(
            partials,
            messages=tuple(
                replace(item, signing_root=root, signature=self.shares[item.validator_index].sign(root))
                for item, root in others
            ),
        )

    def of_another_validator(self, partials: PartialSignatures) -> PartialSignatures:
        """Return the batch signed with the share of some other validator."""

        def wrong_share(item: PartialSignature) -> BlsSignature:
            other = self.random.choice([index for index in self.shares if index != item.validator_index])
            return self.shares[other].sign(item.signing_root)

        return self._each(partials, wrong_share)

    @staticmethod
    def _each(partials: PartialSignatures, sign: SignItem) -> PartialSignatures:
        return replace(partials, messages=tuple(replace(item, signature=sign(item)) for item in partials.messages))
