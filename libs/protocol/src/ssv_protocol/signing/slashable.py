"""The slashing rules applied to a list of objects, each against the record that the one before left.

Blocks and attestations have a rule. Nothing else that validators sign is slashable, so nothing else is refused here.

Source: architecture §5.1; EIP-3076.
"""

from __future__ import annotations

from collections.abc import Mapping

from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.signing import attestation, block, window
from ssv_protocol.signing.objects import AttestationObject, BlockObject, PostConsensusObject
from ssv_protocol.signing.records import AttestationRecord, ProposalRecord
from ssv_protocol.signing.verdict import DenialReason, Denied
from ssv_protocol.types.ids import BlsPublicKey, Slot


class SlashingRecords:
    """The records of some shares; `changed_…` are those that must be durable before anything is signed."""

    def __init__(
        self,
        chain: BeaconChain,
        clock: Slot,
        attestations: Mapping[BlsPublicKey, AttestationRecord],
        proposals: Mapping[BlsPublicKey, ProposalRecord],
    ) -> None:
        """Take the records as they are stored, by share public key; `clock` is the signer's slot."""
        self.changed_attestations: dict[BlsPublicKey, AttestationRecord] = {}
        self.changed_proposals: dict[BlsPublicKey, ProposalRecord] = {}
        self._chain = chain
        self._clock = clock
        self._attestations = attestations
        self._proposals = proposals

    def judge(self, item: PostConsensusObject, share_pubkey: BlsPublicKey) -> Denied | None:
        """Judge one object to be signed with a share, and keep what is to be recorded when it may be."""
        match item:
            case AttestationObject():
                return self._attestation(item, share_pubkey)
            case BlockObject():
                return self._block(item, share_pubkey)
        return None

    def _attestation(self, item: AttestationObject, share_pubkey: BlsPublicKey) -> Denied | None:
        source, target = item.data.source.epoch, item.data.target.epoch
        if target != self._chain.epoch_of(item.data.slot):
            return Denied(DenialReason.TARGET_OF_OTHER_EPOCH, f"target {target} in slot {item.data.slot}")
        record = self.changed_attestations.get(share_pubkey, self._attestations.get(share_pubkey))
        current_epoch = self._chain.epoch_of(self._clock)
        verdict = attestation.check(record, source, target, item.signing_root, current_epoch)
        if isinstance(verdict, Denied):
            return verdict
        if verdict.record != record:
            self.changed_attestations[share_pubkey] = verdict.record
        return None

    def _block(self, item: BlockObject, share_pubkey: BlsPublicKey) -> Denied | None:
        slot = item.proposal.block.slot
        if slot != item.duty.slot:
            return Denied(DenialReason.BLOCK_OF_OTHER_SLOT, f"block of slot {slot} in slot {item.duty.slot}")
        record = self.changed_proposals.get(share_pubkey, self._proposals.get(share_pubkey))
        latest = window.latest(self._chain, self._clock)
        verdict = block.check(record, slot, item.signing_root, latest)
        if isinstance(verdict, Denied):
            return verdict
        if verdict.record != record:
            self.changed_proposals[share_pubkey] = verdict.record
        return None
