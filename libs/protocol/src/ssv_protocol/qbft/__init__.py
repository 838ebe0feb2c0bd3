"""QBFT: the consensus of a committee, as a deterministic state machine."""
