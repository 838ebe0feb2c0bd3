/** The network: mainnet's configuration with every fork up to Fulu at genesis, and no Gloas. */
import {defaultChainConfig} from "@lodestar/config";

export function devnetChainConfig({slotMs, validators}) {
  return {
    ...defaultChainConfig,
    CONFIG_NAME: "devnet",
    SLOT_DURATION_MS: slotMs,
    SECONDS_PER_SLOT: slotMs / 1000,
    ALTAIR_FORK_EPOCH: 0,
    BELLATRIX_FORK_EPOCH: 0,
    CAPELLA_FORK_EPOCH: 0,
    DENEB_FORK_EPOCH: 0,
    ELECTRA_FORK_EPOCH: 0,
    FULU_FORK_EPOCH: 0,
    GLOAS_FORK_EPOCH: Infinity,
    BLOB_SCHEDULE: [],
    TERMINAL_TOTAL_DIFFICULTY: 0n,
    MIN_GENESIS_ACTIVE_VALIDATOR_COUNT: validators,
    // Otherwise a validator could leave only after 256 epochs.
    SHARD_COMMITTEE_PERIOD: 0,
  };
}
