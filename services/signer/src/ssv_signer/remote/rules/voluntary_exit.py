"""VOLUNTARY_EXIT: not slashable, and for good. An exit that the chain takes today or within an epoch may be signed.

Its domain is Capella's for ever, so any fork of our schedule will do in a request: callers differ in which they send.

Source: consensus-specs phase0/beacon-chain.md; EIP-7044.
"""

from __future__ import annotations

from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.crypto.signing_root import DOMAIN_VOLUNTARY_EXIT, compute_signing_root
from ssv_protocol.signing.watermarks import KeyRecord
from ssv_protocol.types.beacon.exit import VoluntaryExit
from ssv_protocol.types.ids import Root
from ssv_signer.remote.errors import Refused
from ssv_signer.remote.rules.kind import View, kind


def epoch(chain: BeaconChain, item: VoluntaryExit) -> None:
    """Return None: no fork changes the signature."""


def signing_root(chain: BeaconChain, item: VoluntaryExit) -> Root:
    """Return what is signed."""
    return compute_signing_root(item.hash_tree_root(), chain.domain(DOMAIN_VOLUNTARY_EXIT, item.epoch))


def check(view: View, item: VoluntaryExit, root: Root) -> KeyRecord | Refused:
    """Judge it by its time."""
    return view.too_early(item.epoch) or view.record


KIND = kind("VOLUNTARY_EXIT", "voluntary_exit", VoluntaryExit, epoch=epoch, signing_root=signing_root, check=check)
