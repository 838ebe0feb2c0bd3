"""The fork names of the Beacon API's `Eth-Consensus-Version` header."""

from __future__ import annotations

from ssv_protocol.beacon_chain import BeaconFork

VERSION_HEADER = "Eth-Consensus-Version"


def version_header(fork: BeaconFork) -> dict[str, str]:
    """Return the header that tells a node how to read the body."""
    return {VERSION_HEADER: fork.name.lower()}


def fork_named(name: str) -> BeaconFork:
    """Return the fork of a header's value; raises KeyError for one this project does not know."""
    return BeaconFork[name.upper()]
