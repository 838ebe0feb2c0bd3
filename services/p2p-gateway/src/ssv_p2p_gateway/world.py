"""What the gateway has learned of registry and beacon chain, put together for validation.

The registry counts as fresh while its stream is open, it is near the chain's head, and was heard of lately. While it is
not, rejections that hang on it become ignores. Duties and validators that were not told are unknown.

Source: architecture §5.7; proto/ssv/v1/duties.proto.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable
from dataclasses import replace

from ssv_api.v1 import duties_pb2 as pb
from ssv_protocol.forks import Network
from ssv_protocol.registry.state import RegistryState
from ssv_protocol.types.ids import BlsPublicKey, Epoch, Instant, Slot, ValidatorIndex
from ssv_protocol.validation.beacon_facts import BeaconFacts, BeaconValidator, NetworkDuties
from ssv_protocol.validation.directory import Directory, directory_of
from ssv_protocol.validation.incoming import Knowledge
from ssv_runtime.registry_client import RegistryView

BLOCKS_BEHIND = 64
SILENCE_S = 300.0
KEPT_EPOCHS = 3
"""Epochs of duties: the next one, this one, and the one before for late messages."""
_FAR_FUTURE = Epoch(2**64 - 1)

Part = dict[BlsPublicKey, BeaconValidator]


class World:
    """Takes news; `knowledge` is what messages are judged by."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self._knowledge: Knowledge | None = None
        self._state: RegistryState | None = None
        self._blocks_behind = 0
        self._is_followed = False
        self._heard_at = Instant(0.0)
        self._duties: dict[Epoch, NetworkDuties] = {}
        self._parts: dict[str, tuple[Epoch, Part]] = {}

    def knowledge(self, at: Instant) -> Knowledge | None:
        """Return what is known at `at`; None before the registry is."""
        known = self._knowledge
        if known is not None and known.registry_is_fresh != self.registry_is_fresh(at):
            known = self._knowledge = replace(known, registry_is_fresh=not known.registry_is_fresh)
        return known

    def registry_is_fresh(self, at: Instant) -> bool:
        """Tell whether the registry may be believed to be the chain's."""
        return self._is_followed and self._blocks_behind <= BLOCKS_BEHIND and at - self._heard_at <= SILENCE_S

    @property
    def newest_epoch(self) -> Epoch | None:
        """The newest epoch whose proposals and sync committee are known."""
        return max(self._duties, default=None)

    @property
    def validator_count(self) -> int:
        """How many SSV validators the beacon chain is known to know."""
        return sum(len(part) for _, part in self._parts.values())

    # news
    def registry_came(self, view: RegistryView, at: Instant) -> None:
        """Take a new view of the registry."""
        self._is_followed, self._heard_at = True, at
        self._blocks_behind = view.head_block - view.state.block_number
        before, self._state = self._state, view.state
        same = before is not None and (
            before.operators is view.state.operators and before.validators is view.state.validators
        )
        if not same:  # most blocks change neither
            self._become(directory_of(view.state))

    def registry_lost(self) -> None:
        """Note that the registry is not followed now."""
        self._is_followed = False

    def duties_came(self, value: pb.NetworkDuties) -> None:
        """Take an epoch's proposals and sync committee."""
        self._duties[Epoch(value.epoch)] = NetworkDuties(
            frozenset((Slot(duty.slot), ValidatorIndex(duty.validator_index)) for duty in value.proposers),
            frozenset(map(ValidatorIndex, value.sync_committee_validators)),
        )
        for old in sorted(self._duties)[:-KEPT_EPOCHS]:
            del self._duties[old]
        self._learn()

    def validators_came(self, part: str, value: pb.KnownValidators) -> None:
        """Take a part of the validators that the beacon chain knows; the newest epoch's word counts."""
        epoch, _ = self._parts.get(part, (Epoch(0), {}))
        if value.epoch >= epoch:
            self._parts[part] = Epoch(value.epoch), dict(_validators(value.validators))
            self._learn()

    def _become(self, directory: Directory) -> None:
        beacon = BeaconFacts() if self._knowledge is None else self._knowledge.beacon
        self._knowledge = Knowledge(self.network, directory, beacon)
        self._learn()

    def _learn(self) -> None:
        if self._knowledge is not None:
            validators = ChainMap(*(part for _, part in self._parts.values()))
            self._knowledge = replace(self._knowledge, beacon=BeaconFacts(dict(self._duties), validators))


def _validators(values: Iterable[pb.KnownValidator]) -> Iterable[tuple[BlsPublicKey, BeaconValidator]]:
    for value in values:
        activation = Epoch(value.activation_epoch) if value.HasField("activation_epoch") else _FAR_FUTURE
        exit_ = Epoch(value.exit_epoch) if value.HasField("exit_epoch") else _FAR_FUTURE
        yield BlsPublicKey(value.public_key), BeaconValidator(ValidatorIndex(value.index), activation, exit_)
