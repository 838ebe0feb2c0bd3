"""Keeps the signer's shares equal to the registry's, for ever.

Every round begins with who the signer is and what it holds, so it does not matter what happened before: a restart of
either side, a lost answer, a share from long ago. What fails is tried again with growing pauses. What the signer
refuses (a share that is not encrypted for its key) is reported once, with its reason, and tried again only in later
rounds.

Invariants: shares are compared with a registry that is up with the chain, never with half a history; a share is
removed only when the registry saw its validator go, so listeners with different heads don't undo each other's work.
Not guaranteed: that a validator which left and came back with the very same share keeps it all the time.

Source: architecture §5.6, §5.9.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import grpc

from ssv_api.v1 import signer_pb2 as pb
from ssv_eth1_listener.feed import Feed
from ssv_eth1_listener.instruments import Instruments
from ssv_eth1_listener.shares import CommitteeKeys, committee_keys, plan_shares, wanted_shares
from ssv_eth1_listener.store import RegistryStore
from ssv_ethereum.backoff import Backoff, Sleep
from ssv_protocol.types.ids import BlsPublicKey, OperatorId
from ssv_runtime.registry_client import RegistryView
from ssv_runtime.rpc import RpcFailure

if TYPE_CHECKING:
    from ssv_api.v1.signer_pb2_grpc import SignerAsyncStub

DEADLINE_S = 10.0
AT_ONCE = 16
"""AddShare calls in flight, so that the signer can write several records in one transaction."""
_REFUSALS = frozenset({grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.FAILED_PRECONDITION})


class ShareKeeper:
    """The listener's side of the signer's key management; `check_interval_s` without news it compares again."""

    def __init__(
        self,
        *,
        signer: SignerAsyncStub,
        feed: Feed,
        store: RegistryStore,
        instruments: Instruments,
        check_interval_s: float,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._signer = signer
        self._feed = feed
        self._store = store
        self._instruments = instruments
        self._check_interval_s = check_interval_s
        self._sleep = sleep
        self._own_public_pem: bytes | None = None
        self._own: OperatorId | None = OperatorId(0)  # nobody's, so that the first answer is news in any case
        self._refused: dict[BlsPublicKey, str] = {}
        self._told: set[CommitteeKeys] = set()

    async def run(self) -> None:
        """Compare at the start, when the registry's records changed, and now and then."""
        while True:
            await self._news(await self._until_equal())

    async def _news(self, done: RegistryView | None) -> None:
        """Return when the records are others than those of `done`, or it is time to look again."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._check_interval_s):
                while _same_records(self._feed.live_view, done):
                    await self._feed.change()

    async def _until_equal(self) -> RegistryView | None:
        """Bring the signer to the present view and return it, None while there is none."""
        backoff = Backoff(sleep=self._sleep)
        while True:
            try:
                await self._identify()
                view = self._feed.live_view
                if view is not None:
                    await self._reconcile(view)
                    self._instruments.shares_are_equal()
            except grpc.aio.AioRpcError as error:
                self._instruments.shares_differ(str(RpcFailure.of(error)))
                await backoff.pause()
                continue
            return view

    async def _identify(self) -> None:
        identity = await self._signer.Identity(pb.IdentityRequest(), timeout=DEADLINE_S)
        if identity.public_key != self._own_public_pem:
            self._own_public_pem = identity.public_key
            await asyncio.to_thread(self._store.remember_own_key, identity.public_key)
            self._feed.identify(identity.public_key)

    async def _reconcile(self, view: RegistryView) -> None:
        if view.own_operator_id != self._own:
            self._own = view.own_operator_id
            self._instruments.own_operator(self._own)
        if view.own_operator_id is None:
            return
        held = (await self._signer.ListShares(pb.ListSharesRequest(), timeout=DEADLINE_S)).shares
        wanted = wanted_shares(view.state, view.own_operator_id)
        self._refused = {key: reason for key, reason in self._refused.items() if key in wanted}
        plan = await asyncio.to_thread(plan_shares, wanted, held, self._was_removed)
        for key in plan.remove:
            await self._signer.RemoveShare(pb.RemoveShareRequest(validator_pubkey=key), timeout=DEADLINE_S)
            self._instruments.share_removed(key)
        self._instruments.shares_unexplained(plan.unexplained)
        await self._add_all(plan.add)
        await self._add_all(tuple(self._news_of_committees(plan.keep)))
        self._instruments.shares(len(wanted) - len(self._refused), len(self._refused))

    def _was_removed(self, share: pb.HeldShare) -> bool:
        return self._store.was_removed(BlsPublicKey(share.validator_pubkey), share.share_pubkey)

    def _news_of_committees(self, requests: Iterable[pb.AddShareRequest]) -> list[pb.AddShareRequest]:
        """Pick a held share of each committee whose operators' keys the signer may not know as they are now."""
        news = {committee_keys(request): request for request in requests}
        return [request for keys, request in news.items() if keys not in self._told]

    async def _add_all(self, requests: Sequence[pb.AddShareRequest]) -> None:
        for start in range(0, len(requests), AT_ONCE):
            batch = requests[start : start + AT_ONCE]
            outcomes = await asyncio.gather(*map(self._add, batch), return_exceptions=True)
            for outcome in outcomes:
                if outcome is not None:
                    raise outcome

    async def _add(self, request: pb.AddShareRequest) -> None:
        key = BlsPublicKey(request.validator_pubkey)
        try:
            answer = await self._signer.AddShare(request, timeout=DEADLINE_S)
        except grpc.aio.AioRpcError as error:
            if error.code() not in _REFUSALS:
                raise
            reason = RpcFailure.of(error).detail
            if self._refused.get(key) != reason:
                self._instruments.share_refused(key, reason)
            self._refused[key] = reason
            return
        self._told.add(committee_keys(request))
        self._refused.pop(key, None)
        if answer.added:
            self._instruments.share_added(key, answer.may_sign_from_epoch)


def _same_records(one: RegistryView | None, other: RegistryView | None) -> bool:
    if one is None or other is None:
        return one is other
    same_tables = one.state.validators is other.state.validators and one.state.operators is other.state.operators
    return same_tables and one.own_operator_id == other.own_operator_id
