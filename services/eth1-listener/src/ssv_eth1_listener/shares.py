"""Which key shares the signer should hold by the registry, and what that takes.

A liquidated validator keeps its share: it may come back at any time, and the duty scheduler leaves it out meanwhile.

Source: architecture §5.6; proto/ssv/v1/signer.proto.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ssv_api.v1 import signer_pb2 as pb
from ssv_protocol.registry.state import RegistryState, ValidatorRecord
from ssv_protocol.types.committee import committee_id
from ssv_protocol.types.ids import BlsPublicKey, OperatorId
from ssv_protocol.types.operator import NO_OPERATOR_KEY

CommitteeKeys = tuple[tuple[int, bytes], ...]
"""Operator ids, ascending, with their public keys."""


@dataclass(frozen=True, slots=True)
class SharePlan:
    """What the signer must let go of, then what it must take, and what it holds already.

    `unexplained` are shares that the signer holds and the registry says nothing of.
    """

    remove: tuple[BlsPublicKey, ...]
    add: tuple[pb.AddShareRequest, ...]
    keep: tuple[pb.AddShareRequest, ...]
    unexplained: tuple[BlsPublicKey, ...]


def wanted_shares(state: RegistryState, own_operator_id: OperatorId) -> dict[BlsPublicKey, pb.AddShareRequest]:
    """Return the request for each validator in whose committee the operator sits, by public key."""
    return {
        record.public_key: _request(state, record, own_operator_id) for record in state.validators_of(own_operator_id)
    }


def plan_shares(
    wanted: Mapping[BlsPublicKey, pb.AddShareRequest],
    held: Iterable[pb.HeldShare],
    was_removed: Callable[[pb.HeldShare], bool],
) -> SharePlan:
    """Compare. A share goes only if the registry saw its validator go (`was_removed`), never because it is not there.

    What is not there may not be there yet: another listener may have read further, and given the signer a share that
    this registry will come to.
    """
    held_by_key = {BlsPublicKey(share.validator_pubkey): share for share in held}
    fitting = {key for key, request in wanted.items() if key in held_by_key and _fits(held_by_key[key], request)}
    others = sorted(held_by_key.keys() - fitting)
    remove = tuple(key for key in others if was_removed(held_by_key[key]))
    unexplained = tuple(key for key in others if key not in remove)
    stays = fitting.union(unexplained)
    return SharePlan(
        remove,
        tuple(request for key, request in wanted.items() if key not in stays),
        tuple(request for key, request in wanted.items() if key in fitting),
        unexplained,
    )


def committee_keys(request: pb.AddShareRequest) -> CommitteeKeys:
    """Return the operators and keys of the request's committee; an operator that leaves changes them."""
    return tuple((member.operator_id, member.public_key) for member in request.committee)


def _request(state: RegistryState, record: ValidatorRecord, own_operator_id: OperatorId) -> pb.AddShareRequest:
    seat = record.operator_ids.index(own_operator_id)
    return pb.AddShareRequest(
        validator_pubkey=record.public_key,
        share_pubkey=record.share_public_keys[seat],
        encrypted_share=record.encrypted_keys[seat],
        operator_id=own_operator_id,
        committee=[
            pb.CommitteeOperator(operator_id=member, public_key=_public_pem(state, member))
            for member in sorted(record.operator_ids)
        ],
    )


def _public_pem(state: RegistryState, operator_id: OperatorId) -> bytes:
    operator = state.operators.get(operator_id)
    return NO_OPERATOR_KEY if operator is None or operator.public_pem is None else operator.public_pem


def _fits(share: pb.HeldShare, request: pb.AddShareRequest) -> bool:
    committee = committee_id([OperatorId(member.operator_id) for member in request.committee])
    return (share.share_pubkey, share.committee_id) == (request.share_pubkey, committee)
