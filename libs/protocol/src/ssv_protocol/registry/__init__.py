"""Contract events to registry state."""
