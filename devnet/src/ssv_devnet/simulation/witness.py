"""What honest signers really did, noted where it happens: at the share keys and at the signer's answer.

The checkers read this and nothing that the operators say about themselves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from ssv_consensus.ports import Signed
from ssv_devnet.committee.local_signer import LocalSigner, SignResult
from ssv_protocol.crypto.bls import SecretKey
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.effects import Draft, PostConsensusDraft
from ssv_protocol.forks import Network
from ssv_protocol.types.ids import BlsSignature, Instant, OperatorId, Root, Slot, ValidatorIndex
from ssv_protocol.types.messages import SSVMessage
from ssv_protocol.types.operator import CommitteeMember


@dataclass(slots=True)
class Witness:
    """Everything that honest operators signed, and the values that they took for decided."""

    share_signatures: set[tuple[OperatorId, ValidatorIndex, Root]] = field(default_factory=set)
    messages: dict[OperatorId, list[SSVMessage]] = field(default_factory=lambda: defaultdict(list))
    decided: dict[Slot, dict[OperatorId, set[bytes]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(set))
    )

    def decided_values(self) -> set[tuple[Slot, bytes]]:
        """Return every value that some honest operator took for the decision of a slot."""
        return {
            (slot, value)
            for slot, by_operator in self.decided.items()
            for values in by_operator.values()
            for value in values
        }


class WitnessedKey(SecretKey):
    """A share key that tells what it signs."""

    __slots__ = ("_note",)

    def __init__(self, key: SecretKey, note: Callable[[Root], None]) -> None:
        super().__init__(int.from_bytes(key.to_bytes(), "big"))
        self._note = note

    def sign(self, root: Root) -> BlsSignature:
        """Note, then sign."""
        self._note(root)
        return super().sign(root)


class WitnessedSigner(LocalSigner):
    """An operator's signer under observation."""

    def __init__(
        self,
        member: CommitteeMember,
        network: Network,
        operator_key: OperatorPrivateKey,
        now: Callable[[], Instant],
        witness: Witness,
    ) -> None:
        super().__init__(member, network, operator_key, now)
        self._witness = witness

    def sign(self, draft: Draft) -> SignResult:
        """Sign as ever, and note the value of a decision and the message that comes out."""
        operator_id = self._member.operator_id
        if isinstance(draft, PostConsensusDraft):
            self._witness.decided[draft.slot][operator_id].add(draft.decided.full_data)
        result = super().sign(draft)
        if isinstance(result, Signed):
            self._witness.messages[operator_id].append(result.message.ssv_message)
        return result
