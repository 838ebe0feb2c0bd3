"""The bucket's values made anew only when something that they are made of is another.

There is a round in every slot, and most change nothing; with 150,000 validators making all values takes a second of
CPU. What a value is made of are values themselves, which nobody changes in place: large ones are told apart by
identity, which costs nothing and is never wrong, only now and then needless.

The methods compute for long and are for a thread; one at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from ssv_duty_scheduler.bucket_values import (
    committee_values,
    known_validators,
    knows_network,
    late_duties,
    network_value,
)
from ssv_duty_scheduler.knowledge import EpochDuties, Known
from ssv_duty_scheduler.validator_duties import DutyRules
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import Epoch

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Counts:
    """How much there is to do."""

    committees: int
    registered: int
    with_duties: int
    attestations: int


@dataclass(frozen=True, slots=True)
class _Made(Generic[T]):
    same: tuple[object, ...]
    equal: tuple[object, ...]
    result: T


class ValueCache:
    """Values by what they are made of, the last ones only."""

    def __init__(self, rules: DutyRules) -> None:
        self._rules = rules
        self._made: dict[Hashable, _Made[Any]] = {}
        self._used: set[Hashable] = set()

    def values(self, known: Known, duties: Collection[EpochDuties]) -> dict[str, bytes]:
        """Return the values of these epochs that are complete; others are forgotten. The same bytes as `values_of`."""
        state = known.view.state
        values: dict[str, bytes] = {}
        for each in duties:
            epoch = each.epoch
            same = (*_of_committees(known), each.attester, each.sync, each.proposer)
            values |= self._get(
                ("committees", epoch),
                same,
                _of_shares(known),
                partial(committee_values, known, each, self._rules),
            )
            same = (state.validators, known.infos, each.sync, each.proposer)
            values |= self._get(("network", epoch), same, (), partial(network_value, known, each))
        epochs = tuple(each.epoch for each in duties if knows_network(each))
        same = (state.validators, known.infos)
        values |= self._get(("validators",), same, (epochs,), partial(known_validators, known, epochs))
        return values

    def late(self, known: Known, epoch: Epoch) -> dict[str, list[ValidatorDuty]]:
        """Return `late_duties` of an epoch which is over."""
        return self._get(
            ("late", epoch),
            _of_committees(known),
            _of_shares(known),
            partial(late_duties, known, epoch, self._rules),
        )

    def counts(self, known: Known, current: EpochDuties) -> Counts:
        """Return how much there is to do in the present epoch."""
        same = (*_of_committees(known), current.attester)
        return self._get(("counts",), same, _of_shares(known), partial(_counted, known, current))

    def forget_unused(self) -> None:
        """Let go of what was not asked for since the last call."""
        self._made = {key: made for key, made in self._made.items() if key in self._used}
        self._used.clear()

    def _get(self, key: Hashable, same: tuple[object, ...], equal: tuple[object, ...], make: Callable[[], T]) -> T:
        self._used.add(key)
        made: _Made[T] | None = self._made.get(key)
        if made is None or made.equal != equal or any(a is not b for a, b in zip(made.same, same, strict=True)):
            made = _Made(same, equal, make())
            self._made[key] = made
        return made.result


def _of_committees(known: Known) -> tuple[object, ...]:
    return known.view.own_committees, known.infos, known.view.state.recipients


def _of_shares(known: Known) -> tuple[object, ...]:
    held = None if known.may_sign_from is None else dict(known.may_sign_from)
    return held, known.waiting, known.stopped


def _counted(known: Known, current: EpochDuties) -> Counts:
    runnable = {record.public_key for records in known.own_committees().values() for record in records}
    attester = current.attester.duties if current.attester is not None else ()
    return Counts(
        committees=len(known.view.own_committees),
        registered=sum(len(records) for records in known.view.own_committees.values()),
        with_duties=len(runnable),
        attestations=sum(duty.pubkey in runnable for duty in attester),
    )
