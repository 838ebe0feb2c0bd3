"""VALIDATOR_REGISTRATION: where a validator's rewards from builders go. Not slashable, of no chain's fork.

Builders keep the one with the highest timestamp, so one of the far future could never be replaced. It may name another
public key than the one that signs: with a share of a validator's key, it names the validator's.

Source: builder-specs specs/bellatrix/builder.md.
"""

from __future__ import annotations

from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.crypto.signing_root import DOMAIN_APPLICATION_BUILDER, compute_signing_root
from ssv_protocol.signing.verdict import DenialReason
from ssv_protocol.signing.watermarks import KeyRecord
from ssv_protocol.types.beacon.registration import ValidatorRegistration
from ssv_protocol.types.ids import GENESIS_EPOCH, Epoch, Root
from ssv_signer.remote.errors import Refused
from ssv_signer.remote.rules.kind import AHEAD_EPOCHS, View, kind


def epoch(chain: BeaconChain, item: ValidatorRegistration) -> None:
    """Return None: no fork changes the signature."""


def signing_root(chain: BeaconChain, item: ValidatorRegistration) -> Root:
    """Return what is signed."""
    return compute_signing_root(item.hash_tree_root(), chain.domain(DOMAIN_APPLICATION_BUILDER, GENESIS_EPOCH))


def check(view: View, item: ValidatorRegistration, root: Root) -> KeyRecord | Refused:
    """Judge it by its time."""
    latest_s = view.chain.slot_start(view.chain.first_slot(Epoch(view.epoch + AHEAD_EPOCHS + 1)))
    if item.timestamp > latest_s:
        return Refused(DenialReason.FAR_FUTURE, f"timestamp {item.timestamp}, latest {int(latest_s)}")
    return view.record


KIND = kind(
    "VALIDATOR_REGISTRATION",
    "validator_registration",
    ValidatorRegistration,
    epoch=epoch,
    signing_root=signing_root,
    check=check,
    needs_fork_info=False,
)
