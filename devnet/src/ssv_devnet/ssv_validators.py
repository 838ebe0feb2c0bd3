"""Which genesis validators the local network gives to SSV.

Chosen for what they have to do: by `proposer_forecast`, in each of the epochs 1 to 5 (8 slots each, no block missing)
one of them proposes in an even slot, where the devnet's builder bids, and one in an odd slot, where it does not. None
has more seats in the first sync committee than an SSV duty can hold.
Source of the forecast: see there. `tests/e2e` holds it against the real node.
"""

from __future__ import annotations

from ssv_devnet.background_validators.handover import parse_indices

SSV_VALIDATORS = parse_indices("32,112,190-195,204-206,217,226,249-251")
"""Proposals: epoch 1 slots 11, 14; epoch 2 19, 20; epoch 3 26, 28, 29; epoch 4 32, 35, 38; epoch 5 41, 45, 46."""

FEW_SSV_VALIDATORS = parse_indices("32,112,192,226")
"""For large committees: epoch 1 slot 14; epoch 2 19, 20; epoch 3 29; epoch 4 32, 35; epoch 5 41, 45."""
