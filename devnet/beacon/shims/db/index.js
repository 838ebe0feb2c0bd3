/**
 * An in-memory key-value store with the classes of `@lodestar/db` that beacon-node uses.
 *
 * Stands where `@lodestar/db` would (npm lacks the version that beacon-node 1.44 asks for). A devnet begins at
 * genesis each time, so nothing is kept across restarts and nothing is written to disk.
 */
export {BUCKET_LENGTH, decodeNumberForDbKey, encodeKey, encodeNumberForDbKey} from "./keys.js";
export {LevelDbController} from "./memory-controller.js";
export {BinaryRepository} from "./binary-repository.js";
export {Repository} from "./repository.js";
export {PrefixedRepository} from "./prefixed-repository.js";
