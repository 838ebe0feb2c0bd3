"""What the scheduler knows of an epoch, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ssv_ethereum.beacon.duties import AttesterDuties, ProposerDuties, SyncDuty
from ssv_ethereum.beacon.validators import ValidatorInfo
from ssv_protocol.registry.state import ValidatorRecord
from ssv_protocol.types.ids import BlsPublicKey, CommitteeId, Epoch
from ssv_runtime.registry_client import RegistryView


@dataclass(frozen=True, slots=True)
class Known:
    """Registry, beacon indices and status, and what the signer holds; `may_sign_from` None: never asked.

    Who is `waiting` signs in no epoch yet, whatever the signer says; who is `stopped` has no duties.
    """

    view: RegistryView
    infos: Mapping[BlsPublicKey, ValidatorInfo]
    may_sign_from: Mapping[BlsPublicKey, Epoch] | None
    waiting: frozenset[BlsPublicKey] = frozenset()
    stopped: frozenset[BlsPublicKey] = frozenset()

    def own_committees(self) -> dict[CommitteeId, list[ValidatorRecord]]:
        """Return the validators that can have duties, by own committee; a committee may have none."""
        return {
            committee: [record for record in records if self._can_sign(record)]
            for committee, records in self.view.own_committees.items()
        }

    def _can_sign(self, record: ValidatorRecord) -> bool:
        held = self.may_sign_from is not None and record.public_key in self.may_sign_from
        free = not record.liquidated and record.public_key not in self.stopped
        return held and free and record.public_key in self.infos


@dataclass(frozen=True, slots=True)
class EpochDuties:
    """What the beacon node says of an epoch; None is what it has not said yet."""

    epoch: Epoch
    attester: AttesterDuties | None
    sync: tuple[SyncDuty, ...] | None
    proposer: ProposerDuties | None
