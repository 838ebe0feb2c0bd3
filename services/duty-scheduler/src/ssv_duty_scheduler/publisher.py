"""Writes the bucket `duties`: what changed, once.

A value is written when it is another than this process wrote last and another than the bucket holds, so two replicas
that agree write it once, and two that don't write it once each. Old values go by the bucket's age limit.

Invariant: a value that the bus refuses holds up no other; the committees' go before those of the whole network, which
are large and many.

Not guaranteed: which value stands while replicas disagree, as while one of them has not seen a reorganisation yet.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ssv_duty_scheduler.bucket_values import amended, concerns_network, empty_value
from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import Epoch
from ssv_runtime.bus import BusRefused, KeyValue

KEPT_EPOCHS = 4
"""A value is written at the start of the epoch before its own, and messages of its own may come an epoch later."""


class Publisher:
    """The bucket's writer; its methods raise BusError, and then can be called again."""

    def __init__(self, bucket: KeyValue, chain: BeaconChain) -> None:
        self._bucket = bucket
        self._max_age_s = KEPT_EPOCHS * chain.slots_per_epoch * chain.slot_duration_s
        self._written: dict[str, bytes] = {}

    async def publish(self, values: Mapping[str, bytes], epochs: Collection[Epoch], settled: Collection[Epoch]) -> int:
        """Write `values`; returns how many had to be.

        `epochs` are those of now; others are forgotten. In `settled` ones a committee that is not in `values` is an
        own one no longer, and what was written for it becomes empty; in others it is only not known at the moment.

        Raises:
            BusRefused: the bus does not take some of the values; all others are written.
            BusError: the bus is away.
        """
        await self._make_sure_of_the_bucket()
        self._written = {key: value for key, value in self._written.items() if _epoch_of(key) in epochs}
        gone = {
            key: empty_value(key)
            for key in self._written.keys() - values.keys()
            if _epoch_of(key) in settled and not concerns_network(key)
        }
        writes, refusal = 0, None
        for key, value in sorted({**gone, **values}.items(), key=lambda item: concerns_network(item[0])):
            try:
                writes += await self._write(key, value)
            except BusRefused as error:
                refusal = error
        if refusal is not None:
            raise refusal
        return writes

    async def amend(self, late: Mapping[str, Collection[ValidatorDuty]]) -> int:
        """Put duties into the values of an epoch that is over, where they are missing; returns how many it was.

        The rest of a value stands: nobody can do anything about it any more.
        """
        amendments = {}
        for key, duties in late.items():
            entry = await self._bucket.get(key)
            value = amended(key, None if entry is None else entry.value, duties)
            if value is not None:
                amendments[key] = value
        for key, value in amendments.items():
            await self._bucket.put(key, value)
        return len(amendments)

    async def _make_sure_of_the_bucket(self) -> None:
        """Make the bucket; if it is there but lost what we wrote, write everything again."""
        probe = next(iter(self._written), None)
        if probe is None or await self._bucket.get(probe) is None:
            await self._bucket.ensure(max_age_s=self._max_age_s)
            self._written.clear()

    async def _write(self, key: str, value: bytes) -> bool:
        if self._written.get(key) == value:
            return False
        entry = await self._bucket.get(key)
        changed = entry is None or entry.value != value
        if changed:
            try:
                await self._bucket.put(key, value)
            except ValueError as error:  # larger than what the bus carries
                raise BusRefused(str(error)) from None
        self._written[key] = value
        return changed


def _epoch_of(key: str) -> Epoch:
    return Epoch(int(key.partition(".")[0]))
