"""Which genesis validators the local network gives to SSV.

Chosen for what they have to do: by `proposer_forecast`, in each of the epochs 1 to 5 (8 slots each, no block missing)
one of them proposes in an even slot and one in an odd one. The builder bids in odd slots (`bid_every=2`) for those who
have registered. Registering comes round every ten epochs, at slot % 80 = index % 80; for the odd slots 27, 33, 35, 41
and 45 that is before the proposal, but not before epoch 2. None has more seats in the first sync committee than an SSV
duty can hold.

`tests/e2e` holds the forecast against the real node.
"""

from __future__ import annotations

from ssv_devnet.background_validators.handover import parse_indices

SSV_VALIDATORS = parse_indices("32,105,112,181,190-195,204-206,226,250-251")
"""Proposals: epoch 1 slots 11, 14; epoch 2 19, 20; epoch 3 27, 28, 29; epoch 4 32, 33, 35, 38; epoch 5 41, 45, 46."""

FEW_SSV_VALIDATORS = parse_indices("32,112,192,226")
"""For large committees: epoch 1 slot 14; epoch 2 19, 20; epoch 3 29; epoch 4 32, 35; epoch 5 41, 45."""
