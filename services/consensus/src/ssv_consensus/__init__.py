"""QBFT and duty runners of the committees that this worker holds."""
