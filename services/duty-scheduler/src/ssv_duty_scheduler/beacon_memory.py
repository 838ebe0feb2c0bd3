"""What the beacon nodes said, kept with what it was asked: it is asked again when the question changes or the answer is
doubted, and not otherwise. What was known before a failure stays known.

Duties are asked for the epochs of now only; others are forgotten. The methods raise BeaconError.

Source: beacon-APIs, `validator` and `beacon` namespaces.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Collection, Mapping, Sequence
from functools import partial
from typing import TypeVar

from ssv_duty_scheduler.instruments import Instruments
from ssv_duty_scheduler.knowledge import EpochDuties
from ssv_ethereum.beacon.duties import AttesterDuties, ProposerDuties, SyncDuty
from ssv_ethereum.beacon.errors import BeaconAnswerInvalid
from ssv_ethereum.beacon.node import BeaconNode
from ssv_ethereum.beacon.validators import ValidatorInfo
from ssv_ethereum.pool.pool import BeaconPool
from ssv_protocol.types.ids import BlsPublicKey, Epoch, Root, Slot, ValidatorIndex

PUBKEYS_A_REQUEST = 512
ATTESTERS_A_REQUEST = 1024
SEATS_A_REQUEST = 8192
"""An answer is decoded on the event loop, so none is large; few of those who are asked about have a seat."""
LOOK_UP_EPOCHS = 16

Indices = frozenset[ValidatorIndex]
NOBODY: Indices = frozenset()
K = TypeVar("K")
T = TypeVar("T")
Asked = tuple[T, Indices]
"""An answer and the validators that it was asked for."""


class BeaconMemory:
    """Validators by public key, duties by epoch, sync duties by period."""

    def __init__(self, pool: BeaconPool, instruments: Instruments) -> None:
        self.infos: dict[BlsPublicKey, ValidatorInfo] = {}
        self._pool = pool
        self._chain = pool.chain
        self._instruments = instruments
        self._looked_up: set[BlsPublicKey] = set()
        self._looked_up_in: Slot | None = None
        self._attester: dict[Epoch, Asked[AttesterDuties]] = {}
        self._sync: dict[int, Asked[tuple[SyncDuty, ...]]] = {}
        self._proposer: dict[Epoch, Asked[ProposerDuties]] = {}
        self._doubts = 0

    def duties(self, epoch: Epoch) -> EpochDuties:
        """Return what is known of `epoch`."""
        return EpochDuties(
            epoch,
            _answer(self._attester, epoch),
            _answer(self._sync, self._chain.sync_period_of(epoch)),
            _answer(self._proposer, epoch),
        )

    def attester_roots(self) -> dict[Epoch, Root]:
        """Return the dependent roots of the attester duties at hand."""
        return {epoch: duties.dependent_root for epoch, (duties, _) in self._attester.items()}

    def doubt(self, epochs: Collection[Epoch]) -> None:
        """Ask again for the duties of `epochs`; those at hand are not to be used."""
        self._doubts += 1
        for epoch in epochs:
            self._attester.pop(epoch, None)
            self._proposer.pop(epoch, None)
            self._proposer.pop(Epoch(epoch - 1), None)
            self._sync.pop(self._chain.sync_period_of(epoch), None)

    def keep_only(self, epochs: Collection[Epoch]) -> None:
        """Forget the duties of other epochs."""
        periods = {self._chain.sync_period_of(epoch) for epoch in epochs}
        _forget_others(self._attester, epochs)
        _forget_others(self._proposer, epochs)
        _forget_others(self._sync, periods)

    async def look_up(self, keys: Collection[BlsPublicKey], own: Collection[BlsPublicKey], now: Slot) -> None:
        """Know who `keys` are: own ones and those to come once an epoch, new ones at once. `infos` becomes another one
        when somebody is.

        Of others that attest only leaving is news, and there may be a hundred thousand of them: a sixteenth is looked
        up in each epoch. Those of `own` that the chain does not know yet are looked up once a slot: they may get their
        index any time.
        """
        missing = await asyncio.to_thread(self._to_look_up, keys, own, now)
        found: dict[BlsPublicKey, ValidatorInfo] = {}
        try:
            for start in range(0, len(missing), PUBKEYS_A_REQUEST):
                batch: Sequence[BlsPublicKey] = missing[start : start + PUBKEYS_A_REQUEST]
                with self._instruments.fetching("validators"):
                    found.update(await self._pool.first(partial(_infos_of, batch)))
                self._looked_up.update(batch)
        finally:
            self.infos = await asyncio.to_thread(_updated, self.infos, found)

    def _to_look_up(
        self, keys: Collection[BlsPublicKey], own: Collection[BlsPublicKey], now: Slot
    ) -> list[BlsPublicKey]:
        before, self._looked_up_in = self._looked_up_in, now
        epoch = self._chain.epoch_of(now)
        if before is None or self._chain.epoch_of(before) != epoch:
            self._looked_up = {key for key in self._looked_up.difference(own) if not self._is_doubtful(key, epoch)}
        elif before != now:
            self._looked_up.difference_update(key for key in own if key not in self.infos)
        return sorted(key for key in keys if key not in self._looked_up)

    def _is_doubtful(self, key: BlsPublicKey, epoch: Epoch) -> bool:
        """Tell whether another's validator is to be looked up in this epoch."""
        info = self.infos.get(key)
        return info is None or info.activation_epoch > epoch or key[-1] % LOOK_UP_EPOCHS == epoch % LOOK_UP_EPOCHS

    async def ask_attester(self, epoch: Epoch, indices: Indices) -> None:
        """Know the attester duties of own validators; asks also when there are none, for the dependent root."""
        if not _is_answered(self._attester, epoch, indices):
            with self._instruments.fetching("attester"):
                parts = await asyncio.to_thread(_in_parts, indices, ATTESTERS_A_REQUEST)
                asked = self._pool.first(partial(_attester_of, epoch, parts))
                await self._keep(self._attester, epoch, indices, asked)

    async def ask_sync(self, epoch: Epoch, indices: Indices) -> None:
        """Know who of all SSV validators sits in the sync committee."""
        period = self._chain.sync_period_of(epoch)
        if not _is_answered(self._sync, period, indices):
            with self._instruments.fetching("sync"):
                parts = await asyncio.to_thread(_in_parts, indices, SEATS_A_REQUEST)
                asked = self._pool.first(partial(_sync_of, epoch, parts))
                await self._keep(self._sync, period, indices, asked)

    async def ask_proposer(self, epoch: Epoch) -> None:
        """Know the proposers."""
        if epoch not in self._proposer:
            with self._instruments.fetching("proposer"):
                asked = self._pool.first(lambda node: node.duties.proposer(epoch))
                await self._keep(self._proposer, epoch, NOBODY, asked)

    async def _keep(self, table: dict[K, Asked[T]], key: K, indices: Indices, question: Awaitable[T]) -> None:
        """Keep the answer unless it was doubted while it was on its way."""
        doubts = self._doubts
        answer = await question
        if doubts == self._doubts:
            table[key] = (answer, indices)


async def _infos_of(keys: Sequence[BlsPublicKey], node: BeaconNode) -> dict[BlsPublicKey, ValidatorInfo]:
    return await node.validators.by_pubkey(keys)


async def _attester_of(epoch: Epoch, parts: Sequence[Sequence[ValidatorIndex]], node: BeaconNode) -> AttesterDuties:
    """Ask one node in parts; raises BeaconAnswerInvalid when the chain is reorganised in between."""
    answers = [await node.duties.attester(epoch, part) for part in parts]
    roots = {answer.dependent_root for answer in answers}
    if len(roots) != 1:
        raise BeaconAnswerInvalid(node.endpoint, f"attester duties of epoch {epoch}", "the chain is changing")
    return AttesterDuties(roots.pop(), tuple(duty for answer in answers for duty in answer.duties))


async def _sync_of(epoch: Epoch, parts: Sequence[Sequence[ValidatorIndex]], node: BeaconNode) -> tuple[SyncDuty, ...]:
    return tuple([duty for part in parts for duty in await node.duties.sync(epoch, part)])


def _in_parts(indices: Indices, size: int) -> list[list[ValidatorIndex]]:
    """Return the indices in ascending parts, one empty part of nobody."""
    ordered = sorted(indices)
    return [ordered[at : at + size] for at in range(0, max(1, len(ordered)), size)]


def _updated(
    infos: dict[BlsPublicKey, ValidatorInfo], found: Mapping[BlsPublicKey, ValidatorInfo]
) -> dict[BlsPublicKey, ValidatorInfo]:
    """Return the infos with what was found, themselves if it is no news."""
    news = {key: info for key, info in found.items() if infos.get(key) != info}
    return {**infos, **news} if news else infos


def _forget_others(table: dict[K, T], keys: Collection[K]) -> None:
    for key in table.keys() - set(keys):
        del table[key]


def _is_answered(table: Mapping[K, Asked[T]], key: K, indices: Indices) -> bool:
    known = table.get(key)
    return known is not None and (known[1] is indices or known[1] == indices)


def _answer(table: Mapping[K, Asked[T]], key: K) -> T | None:
    known = table.get(key)
    return None if known is None else known[0]
