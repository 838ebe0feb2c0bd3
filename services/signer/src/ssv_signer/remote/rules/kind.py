"""What a type of the API is: how its object is read, which fork it is of, what its root is, and who may sign it.

A rule is asked in this order: the fork's epoch, the signing root, `check`. It signs nothing: `check` returns the record
that must be durable first, which is the one before for objects that can't be slashed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.signing.verdict import DenialReason
from ssv_protocol.signing.watermarks import KeyRecord
from ssv_protocol.types.ids import BlsPublicKey, Epoch, Root, Slot
from ssv_protocol.types.ssz import SszContainer
from ssv_protocol.types.ssz_json import from_json
from ssv_signer.remote.errors import Refused
from ssv_signer.remote.ssz_schema import Components, Schema, container_schema

C = TypeVar("C", bound=SszContainer)
AHEAD_EPOCHS = 1
"""How far before its time what can't be slashed may be signed: duties are known an epoch ahead."""


def latest(clock: Slot) -> Slot:
    """Return the last slot that may be attested or proposed when it is `clock`."""
    return Slot(clock + 1)


@dataclass(frozen=True, slots=True)
class View:
    """What a rule judges by: our chain, the slot of our clock, whose key, and what the key has signed."""

    chain: BeaconChain
    clock: Slot
    pubkey: BlsPublicKey
    record: KeyRecord

    @property
    def epoch(self) -> Epoch:
        """The epoch of our clock."""
        return self.chain.epoch_of(self.clock)

    @property
    def latest(self) -> Slot:
        """The last slot of whose attestations and blocks any may be signed: ours, and one for a clock that lags.

        So whatever was signed before a moment is of that slot or before, and raising a record to it forbids the rest.
        """
        return latest(self.clock)

    def too_early(self, epoch: Epoch, ahead_epochs: int = AHEAD_EPOCHS) -> Refused | None:
        """Refuse an object whose time is too far ahead."""
        if epoch <= self.epoch + ahead_epochs:
            return None
        return Refused(DenialReason.FAR_FUTURE, f"epoch {epoch} in epoch {self.epoch}")


@dataclass(frozen=True, slots=True)
class Kind:
    """One type. `epoch` gives that of the object's fork; None where no fork changes the signature.

    `needs_fork_info` says whether a request must bring one. `schema` puts what it needs into the components.
    """

    type: str
    field: str
    read: Callable[[object, str], Any]
    schema: Callable[[Components], Schema]
    epoch: Callable[[BeaconChain, Any], Epoch | None]
    signing_root: Callable[[BeaconChain, Any], Root]
    check: Callable[[View, Any, Root], KeyRecord | Refused]
    needs_fork_info: bool = True


def kind(
    name: str,
    field: str,
    container: type[C],
    *,
    epoch: Callable[[BeaconChain, C], Epoch | None],
    signing_root: Callable[[BeaconChain, C], Root],
    check: Callable[[View, C, Root], KeyRecord | Refused],
    needs_fork_info: bool = True,
) -> Kind:
    """Return the type whose object is one container."""
    return Kind(
        name,
        field,
        lambda plain, place: from_json(container, plain, place),
        lambda components: container_schema(container, components),
        epoch,
        signing_root,
        check,
        needs_fork_info,
    )
