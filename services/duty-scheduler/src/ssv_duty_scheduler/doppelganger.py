"""Which own validators must not sign yet, because somebody else might be signing with their keys.

A validator that is new here, or was here when this scheduler began, waits until one of these shows that it is safe:

    quiet     the beacon nodes saw nothing of it in `QUIET_EPOCHS` epochs on end
    company   a quorum of its other operators made its attestation without us: they go on where we left off
    owned     the signer's record proves that it never stopped signing here (proto/ssv/v1/signer.proto, HeldShare)

Company is told from quiet because the others of a committee keep a validator alive that only we have stopped. Once safe
it stays so while it is ours. Pure; it hangs on what it is told, so replicas agree in the end, and one that starts anew
begins anew: company and ownership make that short.

Not guaranteed: that a second copy of this operator which signs within the same epochs is seen; only that it is when it
signs with this quorum absent.

Source: ssvlabs/ssv doppelganger; beacon-APIs, `getLiveness`; EIP-7045 (an attestation is included until the end of the
next epoch, hence an epoch is judged at the end of the one after it).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.types.committee import quorum
from ssv_protocol.types.ids import BlsPublicKey, Epoch, OperatorId, Slot

QUIET_EPOCHS = 2
OWNED_EPOCHS = 2
"""How old the last vote of a share may be that never stopped: who attests once an epoch may be due again."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """How many epochs on end nothing was seen of a validator, `last` the last of them."""

    epochs: int = 0
    last: Epoch | None = None


class Doppelganger:
    """Keeps who waits, by public key; the methods that learn return who is safe by it."""

    def __init__(self, chain: BeaconChain) -> None:
        self._chain = chain
        self._waiting: dict[BlsPublicKey, Quiet] = {}
        self._safe: set[BlsPublicKey] = set()
        self._heard: Epoch | None = None

    @property
    def waiting(self) -> frozenset[BlsPublicKey]:
        """Who must not sign yet."""
        return frozenset(self._waiting)

    def ours_are(self, owned: Mapping[BlsPublicKey, Epoch | None], now: Epoch) -> set[BlsPublicKey]:
        """Take who is ours, with the epoch of the last vote of those that are owned; others are forgotten."""
        self._safe &= owned.keys()
        self._waiting = {key: self._waiting.get(key, Quiet()) for key in owned if key not in self._safe}
        return self._release(
            [key for key in self._waiting if (last := owned[key]) is not None and last + OWNED_EPOCHS >= now]
        )

    def question(self, slot: Slot) -> Epoch | None:
        """Return the epoch of which it is to be asked now who lived in it: in the last slot of the one after it."""
        epoch = self._chain.epoch_of(slot)
        if not self._waiting or epoch == 0 or not self._is_last(slot) or self._heard == epoch - 1:
            return None
        return Epoch(epoch - 1)

    def heard(self, epoch: Epoch, lived: Mapping[BlsPublicKey, bool]) -> set[BlsPublicKey]:
        """Take who lived in `epoch`; of who is not in `lived` nothing is known."""
        self._heard = epoch
        for key in self._waiting.keys() & lived.keys():
            before = self._waiting[key]
            on_end = before.epochs if before.last == epoch - 1 else 0
            self._waiting[key] = Quiet() if lived[key] else Quiet(on_end + 1, epoch)
        return self._release([key for key, quiet in self._waiting.items() if quiet.epochs >= QUIET_EPOCHS])

    def company(self, key: BlsPublicKey) -> set[BlsPublicKey]:
        """Note that a quorum of the others made this validator's attestation (`is_company`)."""
        return self._release([key] if key in self._waiting else [])

    def held_until(self, slot: Slot) -> Epoch:
        """Return from which epoch on who waits may sign, as far as it is known in `slot`."""
        epoch = self._chain.epoch_of(slot)
        return Epoch(epoch + 2) if self._is_last(slot) else Epoch(epoch + 1)

    def _is_last(self, slot: Slot) -> bool:
        return slot + 1 == self._chain.first_slot(Epoch(self._chain.epoch_of(slot) + 1))

    def _release(self, keys: Collection[BlsPublicKey]) -> set[BlsPublicKey]:
        for key in keys:
            del self._waiting[key]
        self._safe.update(keys)
        return set(keys)


def is_company(signers: Collection[OperatorId], operators: Collection[OperatorId], own: OperatorId) -> bool:
    """Tell whether those who signed for a validator are a quorum of its operators without us.

    If we are among them it was a second copy of us, and proves nothing.
    """
    return own not in signers and len(set(signers) & set(operators)) >= quorum(len(operators))
