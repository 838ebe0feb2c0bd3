"""ATTESTATION: slashable. Its target must be raised and its source must not fall, as for shares.

Source: `ssv_protocol.signing.attestation`; EIP-3076.
"""

from __future__ import annotations

from dataclasses import replace

from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.crypto.signing_root import DOMAIN_BEACON_ATTESTER, compute_signing_root
from ssv_protocol.signing import attestation
from ssv_protocol.signing.verdict import DenialReason, Denied
from ssv_protocol.signing.watermarks import KeyRecord
from ssv_protocol.types.beacon.attestation import AttestationData
from ssv_protocol.types.ids import Epoch, Root
from ssv_signer.remote.errors import Refused
from ssv_signer.remote.rules.kind import View, kind


def epoch(chain: BeaconChain, item: AttestationData) -> Epoch:
    """Return the epoch whose fork it is signed under: the target's."""
    return item.target.epoch


def signing_root(chain: BeaconChain, item: AttestationData) -> Root:
    """Return what is signed."""
    return compute_signing_root(item.hash_tree_root(), chain.domain(DOMAIN_BEACON_ATTESTER, item.target.epoch))


def check(view: View, item: AttestationData, root: Root) -> KeyRecord | Refused:
    """Judge it by the key's highest source and target."""
    if item.target.epoch != view.chain.epoch_of(item.slot):
        return Refused(DenialReason.TARGET_OF_OTHER_EPOCH, f"target {item.target.epoch} in slot {item.slot}")
    if item.slot > view.latest:
        return Refused(DenialReason.FAR_FUTURE, f"slot {item.slot}, clock {view.clock}")
    verdict = attestation.check(view.record.attestation, item.source.epoch, item.target.epoch, root, view.epoch)
    if isinstance(verdict, Denied):
        return Refused.by_rule(verdict)
    return replace(view.record, attestation=verdict.record)


KIND = kind("ATTESTATION", "attestation", AttestationData, epoch=epoch, signing_root=signing_root, check=check)
