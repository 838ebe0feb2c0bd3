"""What follows from an SSVNode: pure functions from spec and surroundings to manifests, a file per kind."""
