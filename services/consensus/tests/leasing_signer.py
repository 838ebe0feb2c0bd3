"""A signer's leases on the real rules, in memory, asked without a wire. It can be away, restarted, restored."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import grpc
import grpc.aio
from libs.protocol.tests.signing.world import CHAIN, COMMITTEE
from services.consensus.tests.fake_time import now

from ssv_api.v1 import signer_pb2 as pb
from ssv_protocol.signing import leases
from ssv_protocol.signing.leases import Lease, LeaseRecord, Taken, Trust
from ssv_protocol.signing.verdict import Denied
from ssv_protocol.types.ids import CommitteeId, Fence
from ssv_runtime import lease_wire

OTHER = CommitteeId(b"\x07" * 32)


@dataclass
class LeasingSigner:
    """`LeaseCalls` and `Journal`; `holds` are the committees that it has shares of."""

    holds: set[CommitteeId] = field(default_factory=lambda: {COMMITTEE, OTHER})
    records: dict[CommitteeId, LeaseRecord] = field(default_factory=dict)
    said: list[bytes] = field(default_factory=list)
    away: bool = False
    claims: list[list[CommitteeId]] = field(default_factory=list)
    renewals: int = 0
    seen: dict[CommitteeId, Lease] = field(default_factory=dict)
    late: list[pb.ClaimRequest] = field(default_factory=list)
    hangs: bool = False

    async def Claim(self, request: pb.ClaimRequest, *, timeout: float) -> pb.ClaimResponse:  # noqa: N802, ASYNC109
        """Take committees; while it hangs, later than the caller waits."""
        if self.hangs:
            self.late.append(request)
            await asyncio.sleep(timeout)
            raise _failure(grpc.StatusCode.DEADLINE_EXCEEDED)
        self._answer()
        self.claims.append([CommitteeId(each.committee_id) for each in request.committees])
        return pb.ClaimResponse(committees=[self._claimed(each, request.holder) for each in request.committees])

    async def Renew(self, request: pb.RenewRequest, *, timeout: float) -> pb.RenewResponse:  # noqa: N802, ASYNC109
        """Have leases as of now."""
        self._answer()
        self.renewals += 1
        outcomes = []
        for each in request.committees:
            committee = CommitteeId(each.committee_id)
            denied = self.judge(committee, lease_wire.decode(each.lease))
            lease = None if denied is not None else lease_wire.encode(self.told(committee))
            outcomes.append(pb.CommitteeLease(committee_id=committee, lease=lease, denied=_denied(denied)))
        return pb.RenewResponse(committees=outcomes)

    async def Release(self, request: pb.ReleaseRequest, *, timeout: float) -> pb.ReleaseResponse:  # noqa: N802, ASYNC109
        """Let committees go."""
        self._answer()
        for each in request.committees:
            committee, lease = CommitteeId(each.committee_id), lease_wire.decode(each.lease)
            granted = leases.release(
                self.records.get(committee), lease, self.seen.get(committee), self.trust, bytes(16)
            )
            if granted is not None:
                self.records[committee] = granted.record
        return pb.ReleaseResponse()

    async def Journal(self, request: pb.JournalRequest, *, timeout: float) -> AsyncIterator[pb.JournalEntry]:  # noqa: N802, ASYNC109
        """Say again what was said."""
        self._answer()
        for message in self.said:
            yield pb.JournalEntry(committee_id=request.committee_ids[0], message=message)

    @property
    def trust(self) -> Trust:
        """Of a signer that believes no disk."""
        return Trust(CHAIN, CHAIN.slot_at(now()))

    def judge(self, committee: CommitteeId, lease: Lease | None) -> Denied | None:
        """Match a request."""
        return leases.match(self.records.get(committee), lease, self.seen.get(committee), self.trust)

    def told(self, committee: CommitteeId) -> Lease:
        """Return the lease as of now."""
        record = self.records[committee]
        self.seen[committee] = Lease(record.lineage, record.fence, record.seq, self.trust.clock)
        return self.seen[committee]

    def takes(self, holder: str, committee: CommitteeId = COMMITTEE) -> None:
        """Let somebody else claim."""
        self._claimed(pb.CommitteeClaim(committee_id=committee), holder)

    async def wakes(self) -> None:
        """Carry out what was asked while it hung; nobody hears the answers."""
        self.hangs = False
        for request in self.late:
            await self.Claim(request, timeout=1)

    def _claimed(self, wanted: pb.CommitteeClaim, holder: str) -> pb.CommitteeLease:
        committee = CommitteeId(wanted.committee_id)
        if committee not in self.holds:
            return pb.CommitteeLease(committee_id=committee, denied=pb.Denied(reason="unknown_committee"))
        witness = lease_wire.decode(wanted.witness) if wanted.HasField("witness") else None
        lineage, record = bytes([len(self.claims)]) * 16, self.records.get(committee)
        expected = Fence(wanted.expected_fence) if wanted.HasField("expected_fence") else None
        granted = leases.claim(record, holder, expected, witness, self.seen.get(committee), self.trust, lineage)
        if isinstance(granted, Taken):
            other = pb.OtherHolder(fence=granted.fence, holder=granted.holder)
            return pb.CommitteeLease(committee_id=committee, other=other)
        self.records[committee] = granted.record
        return pb.CommitteeLease(
            committee_id=committee,
            lease=lease_wire.encode(self.told(committee)),
            quiet_until_slot=granted.record.quiet_until,
        )

    def _answer(self) -> None:
        if self.away:
            raise _failure(grpc.StatusCode.UNAVAILABLE)


def _failure(code: grpc.StatusCode) -> grpc.aio.AioRpcError:
    nothing = grpc.aio.Metadata()
    return grpc.aio.AioRpcError(code, nothing, nothing, code.name)


def _denied(denied: Denied | None) -> pb.Denied | None:
    return None if denied is None else pb.Denied(reason=denied.reason, detail=denied.detail)
