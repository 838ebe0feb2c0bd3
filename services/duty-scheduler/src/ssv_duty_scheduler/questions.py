"""What a round asks the nodes about, made of the registry and of what is known of its validators.

Made anew only when one of the two is another, since a registry may hold 150,000 validators and there is a round in
every slot. `Questions.of` computes for long then, and is for a thread.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ssv_duty_scheduler.slashing_reaction import slashed
from ssv_ethereum.beacon.validators import ValidatorInfo
from ssv_protocol.registry.state import ValidatorRecord
from ssv_protocol.types.ids import BlsPublicKey, ExecutionAddress, ValidatorIndex
from ssv_runtime.registry_client import RegistryView

Infos = Mapping[BlsPublicKey, ValidatorInfo]


@dataclass(frozen=True, slots=True)
class Questions:
    """`own` and `everyone` are indices of validators that the chain knows; who is liquidated is not among the own."""

    own: frozenset[ValidatorIndex]
    everyone: frozenset[ValidatorIndex]
    fee_recipients: Mapping[ValidatorIndex, ExecutionAddress]
    slashed: frozenset[BlsPublicKey]


class QuestionMaker:
    """Remembers the last answers of its methods."""

    def __init__(self) -> None:
        self._active_of: object = None
        self._active: Mapping[BlsPublicKey, ValidatorRecord] = {}
        self._made_of: tuple[object, ...] = ()
        self._made = Questions(frozenset(), frozenset(), {}, frozenset())

    def active(self, view: RegistryView) -> Mapping[BlsPublicKey, ValidatorRecord]:
        """Return own validators that are not liquidated."""
        if self._active_of is not view.own_committees:
            self._active_of = view.own_committees
            records = (record for each in view.own_committees.values() for record in each)
            self._active = {record.public_key: record for record in records if not record.liquidated}
        return self._active

    def questions(self, view: RegistryView, infos: Infos) -> Questions:
        """Return what is to be asked."""
        active, state = self.active(view), view.state
        of = (active, state.validators, state.recipients, infos)
        if not self._made_of or any(a is not b for a, b in zip(self._made_of, of, strict=True)):
            known = {key: record for key, record in active.items() if key in infos}
            recipients = {infos[key].index: state.fee_recipient(record.owner) for key, record in known.items()}
            self._made = Questions(
                frozenset(recipients),
                frozenset(infos[key].index for key in state.validators if key in infos),
                dict(sorted(recipients.items())),
                slashed(infos, active.keys()),
            )
            self._made_of = of
        return self._made
