"""What follows from an SSVNode: pure functions from its spec and a few inputs to manifests, one file per kind of child."""
