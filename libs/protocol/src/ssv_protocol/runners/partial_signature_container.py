"""Share signatures of one phase, by validator, signing root and operator.

Signatures are taken unverified: a batch of hundreds is only worth verifying when a reconstruction fails.
Reaching a quorum is an event that fires once per (validator, root), and again after bad signatures were
removed and the count has climbed back.

Bound: an operator can store at most `MAX_ROOTS_PER_SIGNER` roots for one validator; an honest one needs two
(an attestation and a sync committee message).

Source: ssv-spec ssv/partial_sig_container.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ssv_protocol.types.ids import BlsSignature, OperatorId, Root, ValidatorIndex
from ssv_protocol.types.partial_signatures import PartialSignature

MAX_ROOTS_PER_SIGNER = 8
SignatureKey = tuple[ValidatorIndex, Root]


class PartialSignatureContainer:
    """Collects share signatures until `quorum` operators have signed the same root for a validator."""

    def __init__(self, quorum: int) -> None:
        self.quorum = quorum
        self._signatures: dict[ValidatorIndex, dict[Root, dict[OperatorId, BlsSignature]]] = {}

    def add(self, message: PartialSignature) -> bool:
        """Store a signature unless its signer already has one there; return whether it made the quorum."""
        roots = self._signatures.setdefault(message.validator_index, {})
        signed_roots = sum(message.signer in signers for signers in roots.values())
        if signed_roots >= MAX_ROOTS_PER_SIGNER:
            return False
        signers = roots.setdefault(message.signing_root, {})
        if message.signer in signers:
            return False
        signers[message.signer] = message.signature
        return len(signers) == self.quorum

    def stored(self, message: PartialSignature) -> BlsSignature | None:
        """Return what the message's signer has stored for the same validator and root."""
        return self.signatures(message.validator_index, message.signing_root).get(message.signer)

    def signatures(self, validator_index: ValidatorIndex, root: Root) -> Mapping[OperatorId, BlsSignature]:
        """Return the signatures over `root` for a validator, by operator."""
        return self._signatures.get(validator_index, {}).get(root, {})

    def has_quorum(self, validator_index: ValidatorIndex, root: Root) -> bool:
        """Tell whether enough operators have signed `root` for a validator."""
        return len(self.signatures(validator_index, root)) >= self.quorum

    def remove(self, validator_index: ValidatorIndex, root: Root, operators: Iterable[OperatorId]) -> None:
        """Drop signatures that turned out bad."""
        signers = self._signatures.get(validator_index, {}).get(root, {})
        for operator_id in operators:
            signers.pop(operator_id, None)

    def signers(self) -> frozenset[OperatorId]:
        """Return every operator that has a signature here."""
        return frozenset(
            signer for roots in self._signatures.values() for signers in roots.values() for signer in signers
        )

    def as_tree(self) -> Mapping[ValidatorIndex, Mapping[Root, Mapping[OperatorId, BlsSignature]]]:
        """Return the whole content, for comparison and display."""
        return self._signatures
