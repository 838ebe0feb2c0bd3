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


def boole_leader(height: Height, round_: Round, committee: Sequence[OperatorId], *, slots_per_epoch: int) -> OperatorId:
    """Return the leader under the Boole rules; bind `slots_per_epoch` to get a `LeaderFunction`."""
    epoch = height // slots_per_epoch
    return sorted(committee)[(height + round_ - FIRST_ROUND + epoch) % len(committee)]
