"""RANDAO_REVEAL: a proposer's share in the chain's randomness, over an epoch. Whoever has it early knows more than
others, so it is signed an epoch ahead at most.

Source: consensus-specs phase0/validator.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ssz.sedes import uint64

from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.crypto.signing_root import DOMAIN_RANDAO, compute_signing_root, uint64_root
from ssv_protocol.signing.watermarks import KeyRecord
from ssv_protocol.types.ids import Epoch, Root
from ssv_protocol.types.ssz import SszContainer
from ssv_signer.remote.errors import Refused
from ssv_signer.remote.rules.kind import View, kind


@dataclass(frozen=True, slots=True)
class RandaoReveal(SszContainer):
    """The epoch that is signed."""

    epoch: Annotated[Epoch, uint64]


def epoch(chain: BeaconChain, item: RandaoReveal) -> Epoch:
    """Return the epoch whose fork it is signed under."""
    return item.epoch


def signing_root(chain: BeaconChain, item: RandaoReveal) -> Root:
    """Return what is signed."""
    return compute_signing_root(uint64_root(item.epoch), chain.domain(DOMAIN_RANDAO, item.epoch))


def check(view: View, item: RandaoReveal, root: Root) -> KeyRecord | Refused:
    """Judge it by its time."""
    return view.too_early(item.epoch) or view.record


KIND = kind("RANDAO_REVEAL", "randao_reveal", RandaoReveal, epoch=epoch, signing_root=signing_root, check=check)
