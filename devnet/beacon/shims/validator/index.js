/** The two constants that beacon-node takes from `@lodestar/validator`. No validator client runs in the node. */

/** keymanager-APIs and beacon-APIs: the highest builder_boost_factor, 2**64 - 1: always prefer the builder. */
export const MAX_BUILDER_BOOST_FACTOR = 2n ** 64n - 1n;

/** Fee recipient of blocks whose proposer has registered none. */
export const defaultOptions = {suggestedFeeRecipient: "0x" + "00".repeat(20)};
