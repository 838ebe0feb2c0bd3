"""Identifiers of the protocol as distinct types.

`NewType`s cost nothing at run time and stop a slot from being passed where an epoch is meant.
Byte strings have the lengths named here; the SSZ containers that hold them enforce the lengths.
"""

from typing import NewType

Slot = NewType("Slot", int)
Epoch = NewType("Epoch", int)
ValidatorIndex = NewType("ValidatorIndex", int)
OperatorId = NewType("OperatorId", int)
Height = NewType("Height", int)
"""QBFT height; equals the slot of the duty."""
Round = NewType("Round", int)
"""QBFT round, first is 1; 0 means "no round"."""

Root = NewType("Root", bytes)
"""32 bytes: a hash tree root, or for QBFT the SHA-256 of the proposed value."""
BlsPublicKey = NewType("BlsPublicKey", bytes)
"""48 bytes, compressed G1 point."""
BlsSignature = NewType("BlsSignature", bytes)
"""96 bytes, compressed G2 point."""
RsaSignature = NewType("RsaSignature", bytes)
"""256 bytes, RSASSA-PKCS1-v1_5 with SHA-256."""
CommitteeId = NewType("CommitteeId", bytes)
"""32 bytes, see `types.committee.committee_id`."""
DomainType = NewType("DomainType", bytes)
"""4 bytes: the SSV network and its fork, e.g. 00000001 for mainnet Alan."""
MessageId = NewType("MessageId", bytes)
"""56 bytes: domain, role, duty executor; see `types.message_id`."""
ForkVersion = NewType("ForkVersion", bytes)
"""4 bytes: version of a beacon chain fork."""
ExecutionAddress = NewType("ExecutionAddress", bytes)
"""20 bytes."""

Fence = NewType("Fence", int)
"""Counts who held a committee in the signer's database; 0 means "nobody yet"."""
Instant = NewType("Instant", float)
"""Unix time in seconds; always an argument, never read inside the protocol."""

FIRST_ROUND = Round(1)
NO_ROUND = Round(0)
FIRST_HEIGHT = Height(0)
GENESIS_EPOCH = Epoch(0)
ZERO_ROOT = Root(bytes(32))
