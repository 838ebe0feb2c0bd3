"""Doppelganger protection at work: asks the beacon nodes and the duty records, and has the signer hold who waits.

Invariant: who waits is held by the signer and by the duties' values alike, each epoch anew, so a scheduler that dies
keeps nobody from signing for longer than to the end of the next epoch.

Source: architecture §3 (`may_sign_from_epoch`), §6.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, MutableMapping
from functools import partial
from typing import TYPE_CHECKING

import grpc

from ssv_api.v1 import signer_pb2
from ssv_api.v1.exporter_pb2 import DutyRecord
from ssv_duty_scheduler.doppelganger import Doppelganger, is_company
from ssv_duty_scheduler.instruments import Instruments
from ssv_ethereum.beacon.errors import BeaconError
from ssv_ethereum.beacon.node import BeaconNode
from ssv_ethereum.beacon.validators import ValidatorInfo
from ssv_ethereum.pool.pool import BeaconPool
from ssv_protocol.types.ids import BlsPublicKey, CommitteeId, Epoch, OperatorId, Slot, ValidatorIndex
from ssv_protocol.types.roles import BeaconRole
from ssv_runtime.registry_client import RegistryView
from ssv_runtime.rpc import RpcFailure

if TYPE_CHECKING:
    from ssv_api.v1.signer_pb2_grpc import SignerAsyncStub

FRESH_EPOCHS = 2
"""How old a duty may be whose record shows the others at work."""

Infos = Mapping[BlsPublicKey, ValidatorInfo]


class Guard:
    """Who waits, as the planner asks for it."""

    def __init__(self, pool: BeaconPool, signer: SignerAsyncStub, instruments: Instruments, *, enabled: bool) -> None:
        self._pool = pool
        self._signer = signer
        self._instruments = instruments
        self._enabled = enabled
        self._rules = Doppelganger(pool.chain)

    @property
    def waiting(self) -> frozenset[BlsPublicKey]:
        """Validators that must not sign yet."""
        return self._rules.waiting

    def ours_are(self, owned: Mapping[BlsPublicKey, Epoch | None], now: Epoch) -> None:
        """Take whose shares the signer holds for validators that can have duties, and what it proves of them."""
        if self._enabled:
            before = self.waiting
            released = self._rules.ours_are(owned, now)
            self._instruments.waits(self.waiting, self.waiting - before)
            self._instruments.released(released, "the signer's record proves that nobody else signed")

    def record_seen(self, record: DutyRecord, view: RegistryView, infos: Infos, now: Epoch) -> bool:
        """Look whether others of a committee signed for who waits; returns whether somebody is safe by it."""
        own = view.own_operator_id
        if own is None or not self.waiting or self._pool.chain.epoch_of(Slot(record.slot)) + FRESH_EPOCHS < now:
            return False
        validators = view.own_committees.get(CommitteeId(record.committee_id), ())
        by_index = {infos[each.public_key].index: each for each in validators if each.public_key in infos}
        released: set[BlsPublicKey] = set()
        for outcome in record.outcomes:
            validator = by_index.get(ValidatorIndex(outcome.validator_index))
            signers = [OperatorId(number) for number in outcome.share_signers]
            if (
                validator is not None
                and outcome.duty_type == BeaconRole.ATTESTER
                and is_company(signers, validator.operator_ids, own)
            ):
                released |= self._rules.company(validator.public_key)
        self._instruments.waits(self.waiting)
        self._instruments.released(released, "the other operators sign for it, as before")
        return bool(released)

    async def look(self, slot: Slot, infos: Infos, may_sign_from: MutableMapping[BlsPublicKey, Epoch]) -> bool:
        """Ask who lived, and have the signer hold who waits; `may_sign_from` is brought up to date.

        Returns whether all that had to be done was.
        """
        asked = await self._ask(slot, infos)
        return await self._hold(self._rules.held_until(slot), may_sign_from) and asked

    async def _ask(self, slot: Slot, infos: Infos) -> bool:
        epoch = self._rules.question(slot)
        key_of = {infos[key].index: key for key in self.waiting if key in infos}
        if epoch is None or not key_of:
            return True
        try:
            with self._instruments.fetching("liveness"):
                answers = await self._pool.answers(partial(_liveness, epoch, sorted(key_of)))
        except BeaconError as error:
            self._instruments.log.warning("nobody tells which validators live", epoch=epoch, reason=str(error))
            return False
        lived: dict[BlsPublicKey, bool] = {}
        for _, answer in answers:
            for index, lives in answer.items():
                if (key := key_of.get(index)) is not None:
                    lived[key] = lives or lived.get(key, False)
        released = self._rules.heard(epoch, lived)
        self._instruments.lives([key for key, lives in lived.items() if lives], epoch)
        self._instruments.waits(self.waiting)
        self._instruments.released(released, "nothing was seen of it for long enough")
        return True

    async def _hold(self, until: Epoch, may_sign_from: MutableMapping[BlsPublicKey, Epoch]) -> bool:
        keys = sorted(key for key in self.waiting if may_sign_from.get(key, until) < until)
        if not keys:
            return True
        try:
            await self._signer.Hold(signer_pb2.HoldRequest(validator_pubkeys=keys, epoch=until))
        except grpc.aio.AioRpcError as error:
            self._instruments.shares.down(str(RpcFailure.of(error)), "see the signer's log")
            return False
        may_sign_from.update(dict.fromkeys(keys, until))
        return True


async def _liveness(epoch: Epoch, indices: Collection[ValidatorIndex], node: BeaconNode) -> dict[ValidatorIndex, bool]:
    return await node.validators.liveness(epoch, indices)
