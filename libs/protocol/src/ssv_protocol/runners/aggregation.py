"""Signed aggregates and contributions, in the shape in which beacon nodes take them.

Source: consensus-specs phase0/validator.md, altair/validator.md, electra/validator.md.
"""

from __future__ import annotations

from collections.abc import Iterable

from ssv_protocol.effects import Submit
from ssv_protocol.signing.objects import AggregateObject, AggregatorCommitteeObject, ContributionObject
from ssv_protocol.types.beacon.sync_committee import SignedContributionAndProof
from ssv_protocol.types.ids import BlsSignature

AGGREGATES_ARE_DUE = 2 / 3
"""The part of a slot after which aggregates and contributions are complete."""
BLOCK_ROOT_IS_DUE = 1 / 3
"""The part of a slot after which the head is what a sync committee signs."""


def submission_of(complete: Iterable[tuple[AggregatorCommitteeObject, BlsSignature]]) -> Submit:
    """Return everything that is signed, aggregates apart from contributions."""
    items = list(complete)
    return Submit(
        aggregates=tuple(item.message.signed(sig) for item, sig in items if isinstance(item, AggregateObject)),
        contributions=tuple(
            SignedContributionAndProof(item.message, sig) for item, sig in items if isinstance(item, ContributionObject)
        ),
    )
