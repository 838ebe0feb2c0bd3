"""What an operator brings to its duties: its seat in a committee, its shares, the rules that hold.

Source: ssv-spec types/operator.go, types/share.go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.forks import Network
from ssv_protocol.qbft.config import CUTOFF_ROUND
from ssv_protocol.runners.selection import Selection
from ssv_protocol.types.beacon_vote import BeaconVote
from ssv_protocol.types.ids import BlsPublicKey, Round, Slot, ValidatorIndex
from ssv_protocol.types.operator import CommitteeMember
from ssv_protocol.types.share import Share

DEFAULT_GAS_LIMIT = 36_000_000


def _no_vote_is_slashable(vote: BeaconVote, slot: Slot) -> bool:
    return False


def _no_block_is_slashable(slot: Slot) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class CommitteeSeat:
    """For the duties of a whole committee (roles 0 and 6); `shares` are of the validators that take part.

    `registered` are validators of the committee besides, which the beacon chain has given no index as far as is known
    here; peers that know it may speak of them already.
    `same_roots` demands equal checkpoint roots of a vote, as the Go node does. `slashable` lets a caller refuse a
    whole vote; by default the signer refuses single validators instead. `gas_limit` and `proposer_delay_s` are for the
    validators' own seats.
    """

    member: CommitteeMember
    shares: Mapping[ValidatorIndex, Share]
    network: Network
    same_roots: bool = False
    cutoff_round: Round = CUTOFF_ROUND
    slashable: Callable[[BeaconVote, Slot], bool] = _no_vote_is_slashable
    selection: Selection = field(default_factory=Selection)
    gas_limit: int = DEFAULT_GAS_LIMIT
    proposer_delay_s: float = 0.0
    registered: frozenset[BlsPublicKey] = frozenset()

    @property
    def validators(self) -> frozenset[BlsPublicKey]:
        """All validators of the committee, whether they take part yet or not."""
        return self.registered.union(share.validator_pubkey for share in self.shares.values())

    def of_validator(self, validator_index: ValidatorIndex) -> ValidatorSeat:
        """Return the seat for a validator's own duties.

        Raises:
            ProtocolError: NO_VALIDATOR_SHARES.
        """
        share = self.shares.get(validator_index)
        if share is None:
            raise ProtocolError(Reason.NO_VALIDATOR_SHARES, f"validator {validator_index}")
        return ValidatorSeat(
            self.member,
            share,
            self.network,
            self.cutoff_round,
            self.gas_limit,
            self.proposer_delay_s,
            selection=self.selection,
        )


@dataclass(frozen=True, slots=True)
class ValidatorSeat:
    """For the duties of one validator (roles 1 to 5).

    `slashable` tells whether the operator's share may not sign a block of a slot. `gas_limit` is what registrations
    ask for; all operators of a committee must ask for the same. `propose_blinded` puts even a full block under
    consensus in its blinded form, as production does; the full one is kept for the submission. `same_slot` demands
    that a block is of its duty's slot, as the signer does: stricter than the specification, whose vectors have blocks
    of any slot.
    """

    member: CommitteeMember
    share: Share
    network: Network
    cutoff_round: Round = CUTOFF_ROUND
    gas_limit: int = DEFAULT_GAS_LIMIT
    proposer_delay_s: float = 0.0
    propose_blinded: bool = True
    same_slot: bool = True
    slashable: Callable[[Slot], bool] = _no_block_is_slashable
    selection: Selection = field(default_factory=Selection)

    @property
    def shares(self) -> Mapping[ValidatorIndex, Share]:
        """The one share, by its validator."""
        return {self.share.validator_index: self.share}


def only_share(shares: Mapping[ValidatorIndex, Share]) -> Share:
    """Return the share of a single validator's duties.

    Raises:
        ProtocolError: ONE_SHARE_ONLY.
    """
    if len(shares) != 1:
        raise ProtocolError(Reason.ONE_SHARE_ONLY, f"{len(shares)} shares")
    return next(iter(shares.values()))
