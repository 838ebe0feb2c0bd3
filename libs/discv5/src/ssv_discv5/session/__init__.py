"""Sessions: how two nodes come to share keys, and where the keys are kept."""
