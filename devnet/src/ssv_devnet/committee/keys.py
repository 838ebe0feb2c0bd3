"""Keys and seats of a committee whose keys one process makes: for simulations and benchmarks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ssv_protocol.crypto.bls import RandomBytes, SecretKey
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.crypto.shares import split_key
from ssv_protocol.types.committee import committee_id, faulty_nodes
from ssv_protocol.types.ids import (
    BlsPublicKey,
    DomainType,
    ExecutionAddress,
    OperatorId,
    ValidatorIndex,
)
from ssv_protocol.types.operator import CommitteeMember, Operator
from ssv_protocol.types.share import Share, ShareMember


@dataclass(frozen=True, slots=True)
class ValidatorKeys:
    """A validator key that has been split; `secrets` are the operators' shares."""

    index: ValidatorIndex
    pubkey: BlsPublicKey
    secrets: Mapping[OperatorId, SecretKey]

    def share_of(self, operator_id: OperatorId, domain: DomainType) -> Share:
        """Return what an operator knows of the validator, without the secret."""
        members = tuple(ShareMember(key.public_key(), owner) for owner, key in sorted(self.secrets.items()))
        own = self.secrets[operator_id].public_key()
        return Share(self.index, self.pubkey, own, members, domain, ExecutionAddress(bytes(20)), bytes(32))


def committee_members(
    operator_keys: Mapping[OperatorId, OperatorPrivateKey], domain: DomainType
) -> dict[OperatorId, CommitteeMember]:
    """Return every operator's seat in the committee that they all make."""
    operators = tuple(Operator(oid, key.public_pem()) for oid, key in sorted(operator_keys.items()))
    identity = committee_id(operator_keys)
    return {
        operator.operator_id: CommitteeMember(
            operator.operator_id,
            identity,
            operator.public_key,
            faulty_nodes(len(operators)),
            operators,
            domain,
        )
        for operator in operators
    }


def split_validators(count: int, operator_ids: Sequence[OperatorId], random_bytes: RandomBytes) -> list[ValidatorKeys]:
    """Return `count` new validators, split among the operators."""
    keys = [SecretKey.generate(random_bytes) for _ in range(count)]
    return [
        ValidatorKeys(ValidatorIndex(index), key.public_key(), split_key(key, operator_ids, random_bytes))
        for index, key in enumerate(keys, start=1)
    ]
