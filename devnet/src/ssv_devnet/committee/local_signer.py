"""A signer inside the process: keys, records in memory, the signing rules of `ssv_protocol.signing`.

For each request: judge, record, sign, in that order and one request at a time. The records live as long as the
process, which is why this signer belongs to a demo or a simulation only; the signer service keeps them on disk.

Invariants: what is signed is on record first; a step on record is answered with the recorded message; no
secret leaves the object.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from ssv_consensus.ports import NothingSigned, Refusal, Signed
from ssv_protocol.crypto.bls import SecretKey
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.effects import (
    Draft,
    Exit,
    PostConsensusDraft,
    PreConsensusDraft,
    PreConsensusObject,
    QbftDraft,
    RandaoReveal,
    Registration,
    SlotSelection,
    SyncSelection,
)
from ssv_protocol.forks import Network
from ssv_protocol.signing import attestation, block, post_consensus, pre_consensus, qbft
from ssv_protocol.signing.post_consensus import HeldShare, PostConsensusState
from ssv_protocol.signing.records import (
    AttestationRecord,
    PartialSignaturesRecord,
    ProposalRecord,
    QbftRecord,
    UnsignedMessage,
)
from ssv_protocol.signing.verdict import DenialReason, Denied
from ssv_protocol.types.ids import BlsPublicKey, Epoch, Height, Instant, MessageId, Slot, ValidatorIndex
from ssv_protocol.types.messages import SignedSSVMessage, SSVMessage
from ssv_protocol.types.operator import CommitteeMember
from ssv_protocol.types.partial_signatures import PartialSignature, PartialSignatures
from ssv_protocol.types.roles import BeaconRole, MsgType
from ssv_protocol.types.share import Share

SignResult = Signed | NothingSigned | Denied
_KINDS: dict[type[PreConsensusObject], BeaconRole] = {
    RandaoReveal: BeaconRole.PROPOSER,
    SlotSelection: BeaconRole.AGGREGATOR,
    SyncSelection: BeaconRole.SYNC_COMMITTEE_CONTRIBUTION,
    Registration: BeaconRole.VALIDATOR_REGISTRATION,
    Exit: BeaconRole.VOLUNTARY_EXIT,
}


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
        self._proposals: dict[BlsPublicKey, ProposalRecord] = {}
        self._consensus: dict[tuple[MessageId, Height], QbftRecord] = {}
        self._batches: dict[tuple[MessageId, Slot, int], PartialSignaturesRecord] = {}

    def add_share(self, share: Share, secret: SecretKey, current_epoch: Epoch) -> None:
        """Hold a share; its records, raised to the end of `current_epoch`, are there before the key is."""
        key, last_slot = share.share_pubkey, Slot(self._network.chain.first_slot(Epoch(current_epoch + 1)) - 1)
        with self._lock:
            self._attestations[key] = attestation.raised(self._attestations.get(key), current_epoch)
            self._proposals[key] = block.raised(self._proposals.get(key), last_slot)
            self._secrets[key] = secret
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
                return self._sign_pre_consensus(draft, clock)
            return self._sign_post_consensus(draft, clock)

    def _sign_qbft(self, draft: QbftDraft, clock: Slot) -> SignResult:
        key = draft.message_id, draft.message.height
        verdict = qbft.check(self._network, self._consensus.get(key), draft, clock)
        if isinstance(verdict, Denied):
            return verdict
        self._consensus[key] = verdict.record
        return Signed(self._envelope(verdict.message))

    def _sign_pre_consensus(self, draft: PreConsensusDraft, clock: Slot) -> SignResult:
        sent = self._batches.get((draft.message_id, draft.slot, draft.type))
        verdict = pre_consensus.check(self._network, self._member, self._shares, sent, draft, clock)
        if isinstance(verdict, Denied):
            return verdict
        refusals = (Refusal(_KINDS[type(i.object)], i.object.validator_index, i.denied) for i in verdict.denied)
        return self._sign_batch(draft.message_id, verdict.record, tuple(refusals))

    def _sign_post_consensus(self, draft: PostConsensusDraft, clock: Slot) -> SignResult:
        key = draft.message_id, draft.slot, post_consensus.KIND
        state = PostConsensusState(self._shares, self._attestations, self._batches.get(key), self._proposals)
        verdict = post_consensus.check(self._network, self._member, state, draft, clock)
        if isinstance(verdict, Denied):
            return verdict
        refusals = (Refusal(BeaconRole(i.duty.type), i.duty.validator_index, i.denied) for i in verdict.denied)
        self._attestations.update(verdict.attestations)
        self._proposals.update(verdict.proposals)
        return self._sign_batch(draft.message_id, verdict.record, tuple(refusals))

    def _sign_batch(
        self, message_id: MessageId, record: PartialSignaturesRecord | None, refusals: tuple[Refusal, ...]
    ) -> SignResult:
        if record is None:
            return NothingSigned(refusals) if refusals else Denied(DenialReason.NOTHING_TO_SIGN)
        self._batches[message_id, record.slot, record.type] = record
        return Signed(self._envelope(self._batch(message_id, record)), refusals)

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
        return UnsignedMessage.of(SSVMessage(MsgType.PARTIAL_SIGNATURE, message_id, content.encode()))

    def _envelope(self, unsigned: UnsignedMessage) -> SignedSSVMessage:
        signature = self._operator_key.sign(unsigned.message)
        return SignedSSVMessage((signature,), (self._member.operator_id,), unsigned.message, unsigned.full_data)
