"""The shares that a signer holds, beside those that it should hold by the registry.

The eth1-listener brings the two together by itself; this only tells how far it has come, and what keeps them apart.

Source: architecture §5.6; proto/ssv/v1/signer.proto, registry.proto.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import grpc.aio

from ssv_api.v1 import registry_pb2
from ssv_api.v1 import signer_pb2 as pb
from ssv_api.v1.registry_pb2_grpc import RegistryStub
from ssv_protocol.types.ids import BlsPublicKey, CommitteeId
from ssv_runtime.registry_client import Assembler, RegistryView
from ssvctl.errors import SsvctlError

DEADLINE_S = 60.0


class Standing(StrEnum):
    """How a share stands to the registry."""

    AS_REGISTERED = "as registered"
    OTHER = "registered with another share or committee"
    NOT_REGISTERED = "not registered"
    NOT_HELD = "registered and not held"


@dataclass(frozen=True, slots=True)
class ShareStanding:
    """One validator's share. `may_sign_from` is an epoch, None for a share that is not held."""

    validator: BlsPublicKey
    committee: CommitteeId
    may_sign_from: int | None
    standing: Standing


def compare(view: RegistryView, held: Iterable[pb.HeldShare]) -> list[ShareStanding]:
    """Return every share that is held or registered for the operator, by validator; raises SsvctlError."""
    own = view.own_operator_id
    if own is None:
        raise SsvctlError(
            "the operator is not registered, or the registry has not come so far; see `ssvctl status`, and register "
            "the public key that `ssvctl keys show` prints"
        )
    wanted = {record.public_key: record for record in view.state.validators_of(own)}
    found = []
    for share in held:
        record = wanted.pop(BlsPublicKey(share.validator_pubkey), None)
        if record is None:
            standing = Standing.NOT_REGISTERED
        else:
            seat = record.share_public_keys[record.operator_ids.index(own)]
            fits = (share.share_pubkey, share.committee_id) == (seat, record.committee_id)
            standing = Standing.AS_REGISTERED if fits else Standing.OTHER
        key, committee = BlsPublicKey(share.validator_pubkey), CommitteeId(share.committee_id)
        found.append(ShareStanding(key, committee, share.may_sign_from_epoch, standing))
    found += [ShareStanding(key, record.committee_id, None, Standing.NOT_HELD) for key, record in wanted.items()]
    return sorted(found, key=lambda each: each.validator)


async def registry_now(channel: grpc.aio.Channel) -> RegistryView:
    """Return the registry as an eth1-listener has it; raises grpc.aio.AioRpcError, SsvctlError."""
    assembler = Assembler()
    async for update in RegistryStub(channel).Watch(registry_pb2.WatchRequest(), timeout=DEADLINE_S):
        view = assembler.feed(update)
        if view is not None:
            return view
    raise SsvctlError("the eth1-listener ended while it told the registry; try again")
