"""What judging a request ends in: something to sign, a refusal, or a failure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ssv_protocol.crypto.bls import SecretKey
from ssv_protocol.effects import Draft
from ssv_protocol.signing.leases import Lease
from ssv_protocol.signing.records import PartialSignaturesRecord, UnsignedMessage
from ssv_protocol.signing.verdict import Denied
from ssv_protocol.types.ids import CommitteeId, MessageId, OperatorId, Root, ValidatorIndex


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: what to sign, and what the caller knows of the committee's lease."""

    draft: Draft
    lease: Lease | None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A duty or an object of a request that is not in the message. `duty_type` is a BeaconRole, or the caller's."""

    validator_index: ValidatorIndex
    duty_type: int
    denied: Denied


@dataclass(frozen=True, slots=True)
class EnvelopeWork:
    """A message for the operator key. `lease` is what to tell the committee's holder with it."""

    committee: CommitteeId
    operator_id: OperatorId
    message: UnsignedMessage
    lease: Lease | None = None

    def telling(self, lease: Lease) -> EnvelopeWork:
        """Return the same work with the lease to tell."""
        return EnvelopeWork(self.committee, self.operator_id, self.message, lease)


@dataclass(frozen=True, slots=True)
class BatchWork:
    """Share signatures to make, and the envelope around them.

    Either `secrets` has the keys, in the order of the record's items, or an external store is asked: `bodies` has the
    request for each root.

    `lease` is what to tell the committee's holder with it.
    """

    committee: CommitteeId
    operator_id: OperatorId
    message_id: MessageId
    record: PartialSignaturesRecord
    left_out: tuple[LeftOut, ...] = ()
    secrets: tuple[SecretKey, ...] = field(default=(), repr=False)
    bodies: Mapping[Root, bytes] = field(default_factory=dict, repr=False)
    lease: Lease | None = None

    def telling(self, lease: Lease) -> BatchWork:
        """Return the same work with the lease to tell."""
        return replace(self, lease=lease)


Work = EnvelopeWork | BatchWork
"""On record. It may be signed when, and only when, the transaction that judged it is durable."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Nothing may be signed. `left_out` is not empty when each duty or object was refused for a reason of its own."""

    denied: Denied
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """The signer could not do its work; nothing was signed."""

    reason: str


Judgement = Work | Refusal | Failure
