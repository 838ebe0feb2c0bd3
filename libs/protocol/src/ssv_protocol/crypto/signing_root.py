"""Beacon chain domains and signing roots: what a BLS key really signs.

Which fork version belongs to a message is decided elsewhere. Two domains ignore the fork schedule: the
builder's uses the genesis fork version and a zero genesis validators root, a voluntary exit's uses the
Capella version for ever (EIP-7044).

Source: consensus-specs phase0/beacon-chain.md (compute_domain, compute_signing_root); builder-specs.
"""

from hashlib import sha256

from ssv_protocol.types.ids import Epoch, ForkVersion, Root, Slot

DOMAIN_BEACON_PROPOSER = bytes.fromhex("00000000")
DOMAIN_BEACON_ATTESTER = bytes.fromhex("01000000")
DOMAIN_RANDAO = bytes.fromhex("02000000")
DOMAIN_DEPOSIT = bytes.fromhex("03000000")
DOMAIN_VOLUNTARY_EXIT = bytes.fromhex("04000000")
DOMAIN_SELECTION_PROOF = bytes.fromhex("05000000")
DOMAIN_AGGREGATE_AND_PROOF = bytes.fromhex("06000000")
DOMAIN_SYNC_COMMITTEE = bytes.fromhex("07000000")
DOMAIN_SYNC_COMMITTEE_SELECTION_PROOF = bytes.fromhex("08000000")
DOMAIN_CONTRIBUTION_AND_PROOF = bytes.fromhex("09000000")
DOMAIN_APPLICATION_BUILDER = bytes.fromhex("00000001")


def compute_domain(domain_type: bytes, fork_version: ForkVersion, genesis_validators_root: Root) -> bytes:
    """Return the 32-byte domain: the type, then 28 bytes of the fork data's hash tree root."""
    fork_data_root = sha256(fork_version.ljust(32, b"\0") + genesis_validators_root).digest()
    return domain_type + fork_data_root[:28]


def compute_signing_root(object_root: bytes, domain: bytes) -> Root:
    """Return the hash tree root of SigningData(object_root, domain), the 32 bytes that BLS signs."""
    return Root(sha256(object_root + domain).digest())


def uint64_root(value: Slot | Epoch) -> Root:
    """Return the hash tree root of a bare slot (selection proof) or epoch (RANDAO)."""
    return Root(value.to_bytes(8, "little").ljust(32, b"\0"))
