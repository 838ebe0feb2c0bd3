"""Share signatures of one phase of a duty: taking them in, and making validator signatures of them.

Signatures are stored unverified. When a root of a validator gets its quorum it goes into a `Combine`; when that
fails the shares that do not verify are thrown out and reported, and the next good one tries again.

Invariants: of two signatures by one operator over the same root one that verifies stays; a root is combined by one
job at a time, and once done never again.

Source: ssv-spec ssv/runner.go (basePartialSigMsgProcessing), ssv/runner_validations.go, ssv/runner_signatures.go.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from ssv_protocol.crypto import bls
from ssv_protocol.effects import Combine, Combined, Effect, Report, ShareSignatures
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.runners.partial_signature_container import PartialSignatureContainer, SignatureKey
from ssv_protocol.types.ids import BlsPublicKey, BlsSignature, OperatorId, Root, Slot, ValidatorIndex
from ssv_protocol.types.operator import CommitteeMember
from ssv_protocol.types.partial_signatures import PartialSignature, PartialSignatures
from ssv_protocol.types.share import Share


class SignaturePhase:
    """Share signatures before or after consensus."""

    def __init__(
        self,
        member: CommitteeMember,
        shares: Mapping[ValidatorIndex, Share],
        failure: Reason = Reason.RECONSTRUCT_SIGNATURE,
    ) -> None:
        self.container = PartialSignatureContainer(member.quorum)
        self.combining: set[SignatureKey] = set()
        self.done: set[SignatureKey] = set()
        self.failed: set[SignatureKey] = set()
        """Every share verifies, but the whole does not: the registered share keys are wrong."""
        self.had_bad_shares: set[SignatureKey] = set()
        self._operators = frozenset(member.operator_ids)
        self._shares = shares
        self._failure = failure

    def check(self, partials: PartialSignatures, slot: Slot) -> None:
        """Check what holds for every role.

        Raises:
            ProtocolError: those of `PartialSignatures.validate`, PARTIAL_SIGNATURE_PAST_SLOT,
                PARTIAL_SIGNATURE_FUTURE_SLOT, SIGNER_NOT_IN_COMMITTEE.
        """
        partials.validate()
        if partials.slot < slot:
            raise ProtocolError(Reason.PARTIAL_SIGNATURE_PAST_SLOT, f"slot {partials.slot}")
        if partials.slot > slot:
            raise ProtocolError(Reason.PARTIAL_SIGNATURE_FUTURE_SLOT, f"slot {partials.slot}")
        if partials.messages[0].signer not in self._operators:
            raise ProtocolError(Reason.SIGNER_NOT_IN_COMMITTEE, f"operator {partials.messages[0].signer}")

    def check_exactly(self, partials: PartialSignatures, slot: Slot, roots: Sequence[Root]) -> None:
        """Check what holds for the roles of a single validator: exactly these roots, repeated ones repeated.

        Raises:
            ProtocolError: those of `check`, UNKNOWN_VALIDATOR_INDEX, WRONG_ROOTS_COUNT, WRONG_SIGNING_ROOT.
        """
        self.check(partials, slot)
        for message in partials.messages:
            if message.validator_index not in self._shares:
                raise ProtocolError(Reason.UNKNOWN_VALIDATOR_INDEX, str(message.validator_index))
        if len(partials.messages) != len(roots):
            raise ProtocolError(Reason.WRONG_ROOTS_COUNT, f"{len(partials.messages)}, expected {len(roots)}")
        if sorted(message.signing_root for message in partials.messages) != sorted(roots):
            raise ProtocolError(Reason.WRONG_SIGNING_ROOT)

    def store(self, partials: PartialSignatures) -> list[SignatureKey]:
        """Store checked signatures; return what has got its quorum just now, in the order of the messages."""
        reached: list[SignatureKey] = []
        for message in partials.messages:
            key = message.validator_index, message.signing_root
            had_quorum = self.container.has_quorum(*key)
            self._store(message)
            if not had_quorum and self.container.has_quorum(*key):
                reached.append(key)
        return reached

    def combine(self, keys: Iterable[SignatureKey]) -> list[Effect]:
        """Reconstruct, in one job and in this order, what has a quorum and is neither done nor under way."""
        busy = self.combining | self.done | self.failed
        ready = [key for key in dict.fromkeys(keys) if key not in busy and self.container.has_quorum(*key)]
        if not ready:
            return []
        self.combining.update(ready)
        return [Combine(tuple(self._share_signatures(key) for key in ready))]

    def combined(self, results: Collection[Combined]) -> tuple[dict[SignatureKey, BlsSignature], list[Effect]]:
        """Take the answer to a job: return the good signatures in its order, and what is to be done about others.

        Results of another phase's job are left alone.
        """
        good: dict[SignatureKey, BlsSignature] = {}
        effects: list[Effect] = []
        again: list[SignatureKey] = []
        for result in results:
            key = result.validator_index, result.root
            if key not in self.combining:
                continue
            self.combining.discard(key)
            if result.signature is not None:
                self.done.add(key)
                good[key] = result.signature
                continue
            if result.bad_operators:
                self.container.remove(*key, result.bad_operators)
                self.had_bad_shares.add(key)
                again.append(key)
            else:
                self.failed.add(key)
            detail = f"root {result.root.hex()}"
            effects.append(Report(self._failure, detail, result.validator_index, result.bad_operators))
        return good, effects + self.combine(again)

    def _store(self, message: PartialSignature) -> None:
        stored = self.container.stored(message)
        if stored is None:
            self.container.add(message)
            return
        share_pubkey = self._share_pubkeys(message.validator_index).get(message.signer)
        if share_pubkey is None or bls.verify(share_pubkey, message.signing_root, stored):
            return
        self.container.remove(message.validator_index, message.signing_root, (message.signer,))
        if bls.verify(share_pubkey, message.signing_root, message.signature):
            self.container.add(message)

    def _share_signatures(self, key: SignatureKey) -> ShareSignatures:
        validator_index, root = key
        return ShareSignatures(
            validator_index,
            self._shares[validator_index].validator_pubkey,
            root,
            dict(self.container.signatures(validator_index, root)),
            self._share_pubkeys(validator_index),
        )

    def _share_pubkeys(self, validator_index: ValidatorIndex) -> dict[OperatorId, BlsPublicKey]:
        share = self._shares.get(validator_index)
        return {m.signer: m.share_pubkey for m in share.committee} if share is not None else {}
