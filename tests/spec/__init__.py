"""The official ssv-spec vectors, run against this project's own types and state machines."""
