"""The calls about leases: take committees, keep them, let them go, and what was said for them.

Source: architecture §3, §5.3, §6.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any

import grpc

from ssv_api.v1 import signer_pb2 as pb
from ssv_api.v1.signer_pb2_grpc import SignerServicer
from ssv_protocol.signing.leases import Lease, Taken
from ssv_protocol.signing.verdict import Denied
from ssv_protocol.types.ids import CommitteeId, Fence, Slot
from ssv_runtime import lease_wire
from ssv_runtime.lease_wire import LeaseMalformed
from ssv_runtime.rpc import RpcRefusal, caller_of
from ssv_signer import drafts
from ssv_signer.audit import Audit
from ssv_signer.batch import NOT_DURABLE
from ssv_signer.leasing import Outcome, Wanted
from ssv_signer.share_keys import SigningFailed
from ssv_signer.signatures import SigningPool
from ssv_signer.store.database import MAX_INTEGER, StoreError
from ssv_signer.vault import Held, Vault

_Context = grpc.aio.ServicerContext[Any, Any]
_ID_BYTES, _LONGEST_NAME = 32, 128


class LeaseCalls(SignerServicer):
    """A part of `SignerServer`, which sets what is declared here."""

    _vault: Vault
    _pool: SigningPool
    _audit: Audit
    _show_quiet: Callable[[Mapping[CommitteeId, Slot]], None]

    async def Claim(self, request: pb.ClaimRequest, context: _Context) -> pb.ClaimResponse:  # noqa: N802 (gRPC's name)
        """Give committees to a holder."""
        if not 0 < len(request.holder) <= _LONGEST_NAME or not request.holder.isprintable():
            raise _malformed(f"a holder has a name of 1 to {_LONGEST_NAME} printable characters")
        wanted = [
            Wanted(
                _committee(each.committee_id),
                Fence(min(each.expected_fence, MAX_INTEGER)) if each.HasField("expected_fence") else None,
                _lease(each.witness) if each.HasField("witness") else None,
            )
            for each in request.committees
        ]
        _check_distinct(each.committee for each in wanted)
        try:
            outcomes = await self._vault.claim(request.holder, wanted)
            self._show_quiet(await self._vault.quiet())
        except StoreError:
            raise _not_durable() from None
        self._audit.claimed(request.holder, outcomes, caller_of(context))
        return pb.ClaimResponse(committees=[_encoded(each) for each in outcomes])

    async def Renew(self, request: pb.RenewRequest, context: _Context) -> pb.RenewResponse:  # noqa: N802
        """Tell holders whether their leases hold."""
        try:
            outcomes = await self._vault.renew(_held(request.committees))
        except StoreError:
            raise RpcRefusal(grpc.StatusCode.UNAVAILABLE, "not_readable", "the record could not be read") from None
        self._audit.renewed(outcomes, caller_of(context))
        return pb.RenewResponse(committees=[_encoded(each) for each in outcomes])

    async def Release(self, request: pb.ReleaseRequest, context: _Context) -> pb.ReleaseResponse:  # noqa: N802
        """Let holders go of committees."""
        try:
            released = await self._vault.release(_held(request.committees))
        except StoreError:
            raise _not_durable() from None
        self._audit.released(released, caller_of(context))
        return pb.ReleaseResponse(committee_ids=released)

    async def Journal(  # noqa: N802
        self, request: pb.JournalRequest, context: _Context
    ) -> AsyncIterator[pb.JournalEntry]:
        """Sign again what is on record."""
        committees = {_committee(each) for each in request.committee_ids}
        try:
            entries = await self._vault.journal(committees, Slot(min(request.since_slot, MAX_INTEGER)))
        except StoreError:
            raise RpcRefusal(grpc.StatusCode.UNAVAILABLE, "not_readable", "the record could not be read") from None
        for work in entries:
            try:
                message = await self._pool.sign(work)
            except SigningFailed as error:  # whoever reads it asks for the duty again
                self._audit.not_in_journal(work.committee, str(error), caller_of(context))
                continue
            yield pb.JournalEntry(committee_id=work.committee, message=message)


def _encoded(outcome: Outcome) -> pb.CommitteeLease:
    message = pb.CommitteeLease(committee_id=outcome.committee, quiet_until_slot=outcome.quiet_until)
    match outcome.result:
        case Lease():
            message.lease.CopyFrom(lease_wire.encode(outcome.result))
        case Taken(fence, holder):
            message.other.CopyFrom(pb.OtherHolder(fence=fence, holder=holder))
        case Denied():
            message.denied.CopyFrom(drafts.denied(outcome.result))
    return message


def _held(committees: Iterable[pb.HeldCommittee]) -> list[Held]:
    held = [(_committee(each.committee_id), _lease(each.lease)) for each in committees]
    _check_distinct(committee for committee, _ in held)
    return held


def _committee(given: bytes) -> CommitteeId:
    if len(given) != _ID_BYTES:
        raise _malformed(f"a committee id has {_ID_BYTES} bytes and not {len(given)}")
    return CommitteeId(given)


def _lease(message: pb.Lease) -> Lease:
    try:
        return lease_wire.decode(message)
    except LeaseMalformed as error:
        raise _malformed(str(error)) from None


def _check_distinct(committees: Iterable[CommitteeId]) -> None:
    listed = list(committees)
    if len(listed) != len(set(listed)):
        raise _malformed("the request names a committee twice")


def _malformed(detail: str) -> RpcRefusal:
    return RpcRefusal(grpc.StatusCode.INVALID_ARGUMENT, "malformed", detail)


def _not_durable() -> RpcRefusal:
    return RpcRefusal(grpc.StatusCode.UNAVAILABLE, "not_durable", NOT_DURABLE)
