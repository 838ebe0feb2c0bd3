"""One network of nodes that speak the same protocol id, as we see it."""
