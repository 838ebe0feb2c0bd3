"""Who proposes: round robin over the committee, one step a round and one a height.

Boole adds one step an epoch, because with four operators and a multiple of four slots in an epoch every
epoch would repeat the one before, and it orders the committee by operator id.

Source: ssv-spec qbft/round_robin_proposer.go at v1.2.2 (Alan) and main (Boole); SIP "epoch-aware round
robin proposer".
"""

from __future__ import annotations

from collections.abc import Sequence

from ssv_protocol.types.ids import FIRST_ROUND, Height, OperatorId, Round


def alan_leader(height: Height, round_: Round, committee: Sequence[OperatorId]) -> OperatorId:
    """Return the leader under the Alan rules; the committee is in stored order."""
    return committee[(height + round_ - FIRST_ROUND) % len(committee)]


BOOLE_HEIGHTS_PER_STEP = 32
"""A constant of the protocol: an epoch of the public networks, whatever a local network's epochs are."""


def boole_leader(height: Height, round_: Round, committee: Sequence[OperatorId]) -> OperatorId:
    """Return the leader under the Boole rules; the committee may be in any order."""
    step = height // BOOLE_HEIGHTS_PER_STEP
    return sorted(committee)[(height + round_ - FIRST_ROUND + step) % len(committee)]
