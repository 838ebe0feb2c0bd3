"""The leases of this worker's committees: claimed, renewed each slot, given back with each request, let go.

A lease says how far the signer's record of a committee had come when this worker last heard, so a signer that starts
again learns from it whether its database is the latest. It is kept in memory alone: a worker that starts again has not
seen what its predecessor did, and must not vouch for it.

A committee is taken whoever holds it; which worker should is not decided here. When another worker takes it, this one
signs for it no more and says so. It does not fight back: two that did would take it from each other without end. It
takes the committee again when it is told to (`want`), or after an epoch, so that an operator whose other worker was a
mistake goes on by itself.

A claim names the fence that it is to raise, which a first one asks for. So one that a hung replica of the signer
carries out long after it was repeated elsewhere changes nothing, and takes the committee from nobody.

A stream to the signer that breaks changes nothing: the leases hold. Requests of all committees share the calls.

Source: architecture §5.3, §5.5, §6.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

import grpc.aio

from ssv_api.v1 import signer_pb2 as pb
from ssv_consensus.lease_instruments import LeaseInstruments
from ssv_ethereum.backoff import Backoff
from ssv_ethereum.slot_clock import SlotClock
from ssv_protocol.signing.leases import NO_FENCE, Lease, Taken
from ssv_protocol.signing.verdict import DenialReason, Denied
from ssv_protocol.types.ids import CommitteeId, Fence, Slot
from ssv_runtime import lease_wire
from ssv_runtime.lease_wire import LeaseMalformed
from ssv_runtime.rpc import RpcFailure

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 2.0
CLAIM_S, LONGEST_CLAIM_S = 1.0, 8.0
"""How long a claim may take before another replica is asked; twice as long each time, for it may be of many."""
RENEW_S = 5.0
RELEASE_S = 1.0
"""A worker that ends does not wait long to say so: its successor takes the committees whoever holds them."""
CLAIM_AGAIN = frozenset({DenialReason.NO_LEASE, DenialReason.RECORD_BEHIND, DenialReason.RECORD_UNPROVEN})
"""Refusals after which the committee is nobody's, or is to be begun anew: a claim may help at once."""
Claimed = Lease | Denied


class LeaseCalls(Protocol):
    """What is asked of the signer: a part of `SignerAsyncStub`."""

    def Claim(self, request: pb.ClaimRequest, *, timeout: float) -> Awaitable[pb.ClaimResponse]:  # noqa: N802
        """Take committees."""

    def Renew(self, request: pb.RenewRequest, *, timeout: float) -> Awaitable[pb.RenewResponse]:  # noqa: N802
        """Have leases as of now."""

    def Release(self, request: pb.ReleaseRequest, *, timeout: float) -> Awaitable[pb.ReleaseResponse]:  # noqa: N802
        """Let committees go."""


class LeaseKeeper:
    """Keeps leases while `run` runs. `holder` is the worker's name, for humans."""

    def __init__(self, calls: LeaseCalls, holder: str, clock: SlotClock, instruments: LeaseInstruments) -> None:
        self._calls = calls
        self._holder = holder
        self._clock = clock
        self._instruments = instruments
        self._held: dict[CommitteeId, Lease] = {}
        self._witnesses: dict[CommitteeId, Lease] = {}
        self._lost: dict[CommitteeId, Slot] = {}
        self._pending: dict[CommitteeId, asyncio.Future[Claimed]] = {}
        self._fences: dict[CommitteeId, Fence] = {}
        self._claim_s = CLAIM_S
        self._wake = asyncio.Event()

    async def want(self, committee: CommitteeId) -> Claimed:
        """Return the lease of a committee, claimed if this worker lacks it, even after another one took it."""
        self._lost.pop(committee, None)
        return await self.ready(committee)

    async def ready(self, committee: CommitteeId) -> Claimed:
        """Return the lease of a committee; waits while the signer can't be asked for it."""
        if committee in self._lost:
            return Denied(DenialReason.STALE_FENCE, f"until slot {self._lost[committee]}")
        if committee in self._held:
            return self._held[committee]
        return await asyncio.shield(self._claim(committee))

    def told(self, committee: CommitteeId, lease: Lease) -> None:
        """Remember a lease that came with an answer, if it is the present one and later than what is known."""
        held = self._held.get(committee)
        if held is not None and _same(held, lease) and (lease.seq, lease.slot) >= (held.seq, held.slot):
            self._held[committee] = lease

    def refused(self, committee: CommitteeId, used: Lease, denied: Denied) -> bool:
        """Take note of a refusal of a request that came with the lease `used`; return whether to ask once more."""
        held = self._held.get(committee)
        if held is None or not _same(held, used):
            return denied.reason in CLAIM_AGAIN or denied.reason is DenialReason.STALE_FENCE
        if denied.reason in CLAIM_AGAIN:
            self._witnesses[committee] = self._held.pop(committee)
            return True
        if denied.reason is DenialReason.STALE_FENCE:
            del self._held[committee]
            self._lost[committee] = Slot(self._clock.slot() + self._clock.chain.slots_per_epoch)
            self._instruments.lost(committee, denied.detail, self._lost)
        return False

    async def let_go(self, committee: CommitteeId) -> None:
        """Give a committee back to whoever comes; what was known of it is forgotten."""
        self._lost.pop(committee, None)
        self._witnesses.pop(committee, None)
        pending = self._pending.pop(committee, None)
        if pending is not None:
            pending.set_result(Denied(DenialReason.NO_LEASE, "the committee was let go"))
        held = self._held.pop(committee, None)
        if held is not None:
            try:
                await self._calls.Release(
                    pb.ReleaseRequest(committees=_encoded([(committee, held)])), timeout=RELEASE_S
                )
            except grpc.aio.AioRpcError as error:
                self._instruments.not_released(committee, str(RpcFailure.of(error)))
        self._instruments.holding(len(self._held), self._lost)

    async def run(self) -> None:
        """Claim what is wanted, renew what is held, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_claiming())
            tasks.create_task(self._keep_renewing())

    # claiming

    def _claim(self, committee: CommitteeId) -> asyncio.Future[Claimed]:
        if committee not in self._pending:
            self._pending[committee] = asyncio.get_running_loop().create_future()
            self._wake.set()
        return self._pending[committee]

    async def _keep_claiming(self) -> None:
        backoff = Backoff(FIRST_PAUSE_S, LONGEST_PAUSE_S)
        while True:
            await self._wake.wait()
            self._wake.clear()
            if not await self._asked(self._claim_pending):
                self._wake.set()
                await backoff.pause()
                continue
            backoff.reset()

    async def _claim_pending(self) -> None:
        wanted = list(self._pending)
        if not wanted:
            return
        request = pb.ClaimRequest(holder=self._holder, committees=[self._claim_of(each) for each in wanted])
        try:
            response = await self._calls.Claim(request, timeout=self._claim_s)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
                self._claim_s = min(2 * self._claim_s, LONGEST_CLAIM_S)
            raise
        self._claim_s = CLAIM_S
        for each in response.committees:
            committee, outcome = CommitteeId(each.committee_id), _outcome(each)
            if isinstance(outcome, Taken):
                self._fences[committee] = outcome.fence
                self._wake.set()
                continue
            self._fences.pop(committee, None)
            future = self._pending.pop(committee, None)
            if future is None:  # let go of meanwhile
                continue
            if isinstance(outcome, Lease):
                self._held[committee] = outcome
                self._witnesses.pop(committee, None)
                self._instruments.taken(committee, outcome, Slot(each.quiet_until_slot), self._clock)
            future.set_result(outcome)
        self._instruments.holding(len(self._held), self._lost)

    def _claim_of(self, committee: CommitteeId) -> pb.CommitteeClaim:
        witness = self._witnesses.get(committee)
        last_known = NO_FENCE if witness is None else witness.fence
        return pb.CommitteeClaim(
            committee_id=committee,
            expected_fence=self._fences.get(committee, last_known),
            witness=None if witness is None else lease_wire.encode(witness),
        )

    # renewing

    async def _keep_renewing(self) -> None:
        async for slot in self._clock.ticks():
            for committee in [each for each, until in self._lost.items() if slot >= until]:
                del self._lost[committee]
                self._claim(committee)
            await self._asked(self._renew)

    async def _renew(self) -> None:
        used = dict(self._held)
        if not used:
            return
        response = await self._calls.Renew(pb.RenewRequest(committees=_encoded(used.items())), timeout=RENEW_S)
        for each in response.committees:
            committee, outcome = CommitteeId(each.committee_id), _outcome(each)
            if isinstance(outcome, Lease):
                self.told(committee, outcome)
            elif isinstance(outcome, Denied) and self._is_to_claim(committee, used[committee], outcome):
                self._claim(committee)

    def _is_to_claim(self, committee: CommitteeId, used: Lease, denied: Denied) -> bool:
        return self.refused(committee, used, denied) and committee not in self._held

    async def _asked(self, call: Callable[[], Awaitable[None]]) -> bool:
        try:
            await call()
        except (grpc.aio.AioRpcError, LeaseMalformed) as error:
            problem = RpcFailure.of(error) if isinstance(error, grpc.aio.AioRpcError) else error
            self._instruments.signer_failed(str(problem))
            return False
        self._instruments.signer_answers()
        return True


def _same(one: Lease, other: Lease) -> bool:
    return (one.lineage, one.fence) == (other.lineage, other.fence)


def _encoded(held: Iterable[tuple[CommitteeId, Lease]]) -> list[pb.HeldCommittee]:
    return [pb.HeldCommittee(committee_id=committee, lease=lease_wire.encode(lease)) for committee, lease in held]


def _outcome(message: pb.CommitteeLease) -> Claimed | Taken:
    match message.WhichOneof("outcome"):
        case "lease":
            return lease_wire.decode(message.lease)
        case "other":
            return Taken(Fence(message.other.fence), message.other.holder)
        case _:
            try:
                return Denied(DenialReason(message.denied.reason), message.denied.detail)
            except ValueError:  # a newer signer's reason: a refusal all the same
                return Denied(DenialReason.MALFORMED, f"{message.denied.reason}: {message.denied.detail}")
