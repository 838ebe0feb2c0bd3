"""What a key is known to have signed, and from where on all of it is known: the complete form of an export.

A client that imports a complete file allows whatever contradicts none of its entries and is not below the lowest. So a
file must not reach back past anything that is forgotten: between two entries it says that nothing else was signed. Each
entry kept here therefore says whether something unknown may have been signed up to it (`gap`): a mark that was raised
after a restore, the first mark of a key, the lowest entry of another client's file.

Invariant: whoever signs only what the entries of `known_…` allow (EIP-3076's conditions) contradicts nothing that this
key ever signed, forgotten or not, as long as what it signed was below or at one of the entries given. The lowest entry
has the highest source of everything at or below it, so nothing surrounds what it stands for.

Source: EIP-3076 (conditions for signing, complete form).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from ssv_protocol.signing.interchange import SignedAttestation, SignedBlock
from ssv_protocol.types.ids import Epoch, Root


@dataclass(frozen=True, slots=True)
class RememberedAttestation:
    """An entry, and whether something unknown may have been signed up to it."""

    signed: SignedAttestation
    gap: bool


@dataclass(frozen=True, slots=True)
class RememberedBlock:
    """An entry, and whether something unknown may have been signed up to it."""

    signed: SignedBlock
    gap: bool


def known_attestations(remembered: Iterable[RememberedAttestation]) -> tuple[SignedAttestation, ...]:
    """Return the attestations since the last gap, by target, the first of them standing for all before."""
    entries = sorted(remembered, key=lambda entry: _attestation_order(entry.signed))
    floor = max((entry.signed.target for entry in entries if entry.gap), default=None)
    if floor is None:
        return tuple(entry.signed for entry in entries)
    below = [entry.signed for entry in entries if entry.signed.target <= floor]
    source = Epoch(max(signed.source for signed in below))
    root = _one({signed.signing_root for signed in below if signed.target == floor})
    return (SignedAttestation(source, floor, root), *(entry.signed for entry in entries if entry.signed.target > floor))


def known_blocks(remembered: Iterable[RememberedBlock]) -> tuple[SignedBlock, ...]:
    """Return the blocks since the last gap, by slot, the first of them standing for all before."""
    entries = sorted(remembered, key=lambda entry: _block_order(entry.signed))
    floor = max((entry.signed.slot for entry in entries if entry.gap), default=None)
    if floor is None:
        return tuple(entry.signed for entry in entries)
    root = _one({entry.signed.signing_root for entry in entries if entry.signed.slot == floor})
    return (SignedBlock(floor, root), *(entry.signed for entry in entries if entry.signed.slot > floor))


def _one(roots: Collection[Root | None]) -> Root | None:
    """Return the root if there is but one: another one, or an unknown one, may have been signed beside it."""
    return next(iter(roots)) if len(roots) == 1 else None


def _attestation_order(signed: SignedAttestation) -> tuple[int, int, bytes]:
    return signed.target, signed.source, signed.signing_root or b""


def _block_order(signed: SignedBlock) -> tuple[int, bytes]:
    return signed.slot, signed.signing_root or b""
