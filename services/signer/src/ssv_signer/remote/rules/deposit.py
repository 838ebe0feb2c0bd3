"""DEPOSIT: a new validator's deposit, under the genesis fork and no chain's root. Denied unless a setting allows it.

Whoever signs the first deposit of a key chooses where its stake goes, for ever; a signer of duties has no business
there.

Source: consensus-specs phase0/beacon-chain.md (DepositMessage).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ssz.sedes import bytes32, bytes48, uint64

from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.crypto.signing_root import DOMAIN_DEPOSIT, compute_domain, compute_signing_root
from ssv_protocol.signing.watermarks import KeyRecord
from ssv_protocol.types.beacon.deposit import DepositMessage
from ssv_protocol.types.ids import ZERO_ROOT, BlsPublicKey, ForkVersion, Root
from ssv_protocol.types.ssz import SszContainer
from ssv_signer.remote.errors import Refused, RemoteReason
from ssv_signer.remote.fork_info import bytes4
from ssv_signer.remote.rules.kind import View, kind


@dataclass(frozen=True, slots=True)
class DepositRequest(SszContainer):
    """A deposit message, and the genesis fork that the caller means."""

    pubkey: Annotated[BlsPublicKey, bytes48]
    withdrawal_credentials: Annotated[bytes, bytes32]
    amount_gwei: Annotated[int, uint64]
    genesis_fork_version: Annotated[ForkVersion, bytes4]


def epoch(chain: BeaconChain, item: DepositRequest) -> None:
    """Return None: deposits are of the genesis fork."""


def signing_root(chain: BeaconChain, item: DepositRequest) -> Root:
    """Return what is signed."""
    message = DepositMessage(item.pubkey, item.withdrawal_credentials, item.amount_gwei)
    domain = compute_domain(DOMAIN_DEPOSIT, chain.forks[0].version, ZERO_ROOT)
    return compute_signing_root(message.hash_tree_root(), domain)


def check(view: View, item: DepositRequest, root: Root) -> KeyRecord | Refused:
    """Judge it by its public key and its network."""
    if item.pubkey != view.pubkey:
        return Refused(RemoteReason.OTHER_KEY, f"0x{item.pubkey.hex()}")
    ours = view.chain.forks[0].version
    if item.genesis_fork_version != ours:
        return Refused(RemoteReason.OTHER_FORK, f"genesis 0x{item.genesis_fork_version.hex()}, ours is 0x{ours.hex()}")
    return view.record


KIND = kind(
    "DEPOSIT",
    "deposit",
    DepositRequest,
    epoch=epoch,
    signing_root=signing_root,
    check=check,
    needs_fork_info=False,
)
