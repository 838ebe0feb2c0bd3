"""One message of each kind that every rule lets through, at `CLOCK`."""

from __future__ import annotations

from collections.abc import Callable

from libs.protocol.tests.validation.gossip_world import VALUE, Consensus, Partials, leader, validator_id

from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.roles import PartialSignatureType, QbftMessageType, RunnerRole

PREPARE, COMMIT = QbftMessageType.PREPARE, QbftMessageType.COMMIT
PROPOSAL, CHANGE = QbftMessageType.PROPOSAL, QbftMessageType.ROUND_CHANGE
PROPOSER, CONTRIBUTOR = RunnerRole.PROPOSER, RunnerRole.SYNC_COMMITTEE_CONTRIBUTION
REGISTRATION, EXIT = RunnerRole.VALIDATOR_REGISTRATION, RunnerRole.VOLUNTARY_EXIT
RANDAO, SELECTION = PartialSignatureType.RANDAO, PartialSignatureType.SELECTION_PROOF
PROOFS = PartialSignatureType.CONTRIBUTION_PROOFS


def justification() -> bytes:
    return Consensus().signed().encode()


def proposal(round_: int = 1, **changes: object) -> SignedSSVMessage:
    """Return a proposal of the round's leader."""
    fields: dict[str, object] = {"signers": (leader(round_=round_),), "full_data": VALUE, **changes}
    return Consensus(PROPOSAL, round=round_, **fields).signed()  # type: ignore[arg-type]


def lone(type_: int, role: RunnerRole, **changes: object) -> SignedSSVMessage:
    """Return a batch of one partial signature for the validator's duty of a role."""
    return Partials(type_, identifier=validator_id(role), count=1, **changes).signed()  # type: ignore[arg-type]


GOOD: dict[str, Callable[[], SignedSSVMessage]] = {
    "proposal": proposal,
    "justified proposal": lambda: proposal(2, round_changes=(justification(),), prepares=(justification(),)),
    "prepare": lambda: Consensus().signed(),
    "commit": lambda: Consensus(COMMIT).signed(),
    "decided": lambda: Consensus(COMMIT, signers=(1, 2, 3), full_data=VALUE).signed(),
    "decided by all": lambda: Consensus(COMMIT, signers=(1, 2, 3, 4), full_data=VALUE).signed(),
    "round change": lambda: Consensus(CHANGE, round=2, round_changes=(justification(),)).signed(),
    "prepared round change": lambda: Consensus(CHANGE, round=3, data_round=1, full_data=VALUE).signed(),
    "post consensus": lambda: Partials().signed(),
    "prepare of a block": lambda: Consensus(outer_id=validator_id(PROPOSER)).signed(),
    "randao": lambda: lone(RANDAO, PROPOSER),
    "block": lambda: lone(PartialSignatureType.POST_CONSENSUS, PROPOSER),
    "selection proof": lambda: lone(SELECTION, RunnerRole.AGGREGATOR),
    "contribution proofs": lambda: Partials(PROOFS, identifier=validator_id(CONTRIBUTOR), count=13).signed(),
    "registration": lambda: lone(PartialSignatureType.VALIDATOR_REGISTRATION, REGISTRATION),
    "exit": lambda: lone(PartialSignatureType.VOLUNTARY_EXIT, EXIT),
}
