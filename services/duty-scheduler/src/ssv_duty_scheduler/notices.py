"""What the beacon node was told: whom to pay for blocks, and which subnets to join.

The node forgets: preparations after two epochs, everything when it restarts. So all is told again in each epoch, when
it changes, and after `forget`. The methods raise BeaconError; what was not taken is told again at the next call.

Source: beacon-APIs, `prepareBeaconProposer`, `prepareBeaconCommitteeSubnet`, `prepareSyncCommitteeSubnets`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import partial

from ssv_duty_scheduler.instruments import Instruments
from ssv_ethereum.beacon.duties import AttesterDuty, SyncDuty
from ssv_ethereum.beacon.node import BeaconNode
from ssv_ethereum.pool.pool import BeaconPool
from ssv_protocol.types.ids import Epoch, ExecutionAddress, ValidatorIndex

TOLD_AT_ONCE = 500
"""More would hold up the event loop while it is encoded."""


class Notices:
    """Tells each thing once: by kind and epoch, the last that a node took."""

    def __init__(self, pool: BeaconPool, instruments: Instruments) -> None:
        self._pool = pool
        self._chain = pool.chain
        self._instruments = instruments
        self._told: dict[tuple[str, Epoch], object] = {}
        self._forgotten = 0

    def forget(self) -> None:
        """Tell everything again: a node may not know it any more."""
        self._forgotten += 1
        self._told.clear()

    def keep_only(self, epochs: Collection[Epoch]) -> None:
        """Forget what was told of other epochs."""
        self._told = {key: content for key, content in self._told.items() if key[1] in epochs}

    async def prepare(self, epoch: Epoch, fee_recipients: Mapping[ValidatorIndex, ExecutionAddress]) -> None:
        """Say in `epoch` who gets the fees of each validator's blocks."""
        await self._tell(
            "preparations",
            epoch,
            fee_recipients,
            lambda: self._pool.every(partial(_prepare, list(fee_recipients.items()))),
        )

    async def subscribe_attesters(self, epoch: Epoch, duties: Sequence[AttesterDuty]) -> None:
        """Have the nodes join the subnets of the attestations of `epoch`."""
        await self._tell(
            "subscriptions",
            epoch,
            tuple(duties),
            # selection proofs decide who aggregates and are not known here: anybody may
            lambda: self._pool.every(partial(_subscribe, duties)),
        )

    async def subscribe_sync(self, epoch: Epoch, seats: Sequence[SyncDuty]) -> None:
        """Have the nodes join the subnets of the seats in the sync committee of `epoch`, to the end of its period."""
        periods_end = Epoch((self._chain.sync_period_of(epoch) + 1) * self._chain.epochs_per_sync_committee_period)
        await self._tell(
            "sync_subscriptions",
            epoch,
            tuple(seats),
            lambda: self._pool.every(lambda node: node.subscriptions.sync_committee(seats, periods_end)),
        )

    async def _tell(self, what: str, epoch: Epoch, content: object, request: Callable[[], Awaitable[None]]) -> None:
        if self._told.get((what, epoch)) == content:
            return
        forgotten = self._forgotten
        with self._instruments.fetching(what):
            await request()
        if forgotten == self._forgotten:
            self._told[what, epoch] = content


async def _prepare(fee_recipients: Sequence[tuple[ValidatorIndex, ExecutionAddress]], node: BeaconNode) -> None:
    for at in range(0, len(fee_recipients), TOLD_AT_ONCE):
        await node.proposers.prepare(dict(fee_recipients[at : at + TOLD_AT_ONCE]))


async def _subscribe(duties: Sequence[AttesterDuty], node: BeaconNode) -> None:
    for at in range(0, len(duties), TOLD_AT_ONCE):
        await node.subscriptions.committees(duties[at : at + TOLD_AT_ONCE], is_aggregator=True)
