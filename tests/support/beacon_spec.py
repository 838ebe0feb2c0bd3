"""What a beacon node says of a chain's numbers, for nodes that tests make up."""

from __future__ import annotations

from ssv_protocol.beacon_chain import BeaconChain


def spec_of(chain: BeaconChain) -> dict[str, str]:
    """Return the answer to `/eth/v1/config/spec` as far as a chain is described by it."""
    forks = {
        name: value
        for scheduled in chain.forks
        for name, value in (
            (f"{scheduled.fork.name}_FORK_EPOCH", str(scheduled.epoch)),
            (f"{scheduled.fork.name}_FORK_VERSION", "0x" + scheduled.version.hex()),
        )
    }
    return {
        "SLOT_DURATION_MS": str(round(chain.slot_duration_s * 1000)),
        "SLOTS_PER_EPOCH": str(chain.slots_per_epoch),
        "EPOCHS_PER_SYNC_COMMITTEE_PERIOD": str(chain.epochs_per_sync_committee_period),
        "SYNC_COMMITTEE_SIZE": str(chain.sync_committee_size),
        **forks,
    }
