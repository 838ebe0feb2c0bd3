"""A signer inside the process: keys, records in memory, the signing rules of `ssv_protocol.signing`.

For each request: judge, record, sign, in that order and one request at a time. The records live as long as the
process, which is why this signer belongs to a demo or a simulation only; the signer service keeps them on disk.

Invariants: what is signed is on record first; a step on record is answered with the recorded message; no
secret leaves the object.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from ssv_consensus.ports import Signed
from ssv_protocol.crypto.bls import SecretKey
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.effects import Draft, PostConsensusDraft, PreConsensusDraft, QbftDraft
from ssv_protocol.forks import Network
from ssv_protocol.signing import attestation, post_consensus, qbft
from ssv_protocol.signing.post_consensus import HeldShare, PostConsensusState
from ssv_protocol.signing.records import AttestationRecord, PartialSignaturesRecord, QbftRecord, UnsignedMessage
from ssv_protocol.signing.verdict import DenialReason, Denied
from ssv_protocol.types.ids import BlsPublicKey, Epoch, Height, Instant, MessageId, Slot, ValidatorIndex
from ssv_protocol.types.messages import SignedSSVMessage, SSVMessage
from ssv_protocol.types.operator import CommitteeMember
from ssv_protocol.types.partial_signatures import PartialSignature, PartialSignatures
from ssv_protocol.types.roles import MsgType
from ssv_protocol.types.share import Share

SignResult = Signed | Denied


class LocalSigner:
    """Signs for one operator of one committee."""

    def __init__(
        self,
        member: CommitteeMember,
        network: Network,
        operator_key: OperatorPrivateKey,
        now: Callable[[], Instant],
    ) -> None:
        self._member = member
        self._network = network
        self._operator_key = operator_key
        self._now = now
        self._lock = threading.Lock()
        self._secrets: dict[BlsPublicKey, SecretKey] = {}
        self._shares: dict[ValidatorIndex, HeldShare] = {}
        self._attestations: dict[BlsPublicKey, AttestationRecord] = {}
        self._consensus: dict[tuple[MessageId, Height], QbftRecord] = {}
        self._batches: dict[tuple[MessageId, Slot, int], PartialSignaturesRecord] = {}

    def add_share(self, share: Share, secret: SecretKey, current_epoch: Epoch) -> None:
        """Hold a share; its record, bumped to `current_epoch`, is there before the key is."""
        with self._lock:
            self._attestations[share.share_pubkey] = attestation.raised(
                self._attestations.get(share.share_pubkey), current_epoch
            )
            self._secrets[share.share_pubkey] = secret
            self._shares[share.validator_index] = HeldShare(
                share.validator_pubkey, share.share_pubkey, self._member.committee_id
            )

    def sign(self, draft: Draft) -> SignResult:
        """Judge, record and sign one draft. Slow (BLS, RSA): call it off the event loop."""
        clock = self._network.chain.slot_at(self._now())
        with self._lock:
            if isinstance(draft, QbftDraft):
                return self._sign_qbft(draft, clock)
            if isinstance(draft, PreConsensusDraft):
                return Denied(DenialReason.WRONG_ROLE, "no rule for signatures before consensus")
            return self._sign_post_consensus(draft, clock)

    def _sign_qbft(self, draft: QbftDraft, clock: Slot) -> SignResult:
        key = draft.message_id, draft.message.height
        verdict = qbft.check(self._network, self._consensus.get(key), draft, clock)
        if isinstance(verdict, Denied):
            return verdict
        self._consensus[key] = verdict.record
        return Signed(self._envelope(verdict.message))

    def _sign_post_consensus(self, draft: PostConsensusDraft, clock: Slot) -> SignResult:
        key = draft.message_id, draft.slot, post_consensus.KIND
        state = PostConsensusState(self._shares, self._attestations, self._batches.get(key))
        verdict = post_consensus.check(self._network, self._member, state, draft, clock)
        if isinstance(verdict, Denied):
            return verdict
        denied = {item.duty.validator_index: item.denied for item in verdict.denied}
        if verdict.record is None:
            return next(iter(denied.values()))
        self._attestations.update(verdict.attestations)
        self._batches[key] = verdict.record
        return Signed(self._envelope(self._batch(draft.message_id, verdict.record)), denied)

    def _batch(self, message_id: MessageId, record: PartialSignaturesRecord) -> UnsignedMessage:
        signer = self._member.operator_id
        partials = tuple(
            PartialSignature(
                self._secrets[item.share_pubkey].sign(item.signing_root),
                item.signing_root,
                signer,
                item.validator_index,
            )
            for item in record.items
        )
        content = PartialSignatures(record.type, record.slot, partials)
        return UnsignedMessage(SSVMessage(MsgType.PARTIAL_SIGNATURE, message_id, content.encode()))

    def _envelope(self, unsigned: UnsignedMessage) -> SignedSSVMessage:
        signature = self._operator_key.sign(unsigned.message)
        return SignedSSVMessage((signature,), (self._member.operator_id,), unsigned.message, unsigned.full_data)
