/** Lodestar's BeaconChain, set up for one process without disk, worker threads or metrics. */
import {BeaconChain} from "@lodestar/beacon-node/chain";
import {BeaconDb} from "@lodestar/beacon-node/db";
import {LevelDbController} from "@lodestar/db/controller/level";
import {generateKeyPair} from "@libp2p/crypto/keys";
import {createExecutionBuilder} from "./builder.mjs";
import {createExecutionEngine} from "./execution.mjs";
import {defaultChainOptions} from "./lodestar-internals.mjs";

const CHAIN_OPTIONS = {
  ...defaultChainOptions,
  // A pool of threads would cost memory, and 256 validators do not need it.
  blsVerifyAllMainThread: true,
  disableLightClientServer: true,
  // Checkpoint states go to the (in-memory) database, not into files.
  nHistoricalStatesFileDataStore: false,
  // All operators hand their common block to this one node. Nodes of their own would know it from gossip and accept it.
  ignoreIfKnown: true,
  // The fork choice has no reorgs of late blocks.
  proposerBoostReorg: false,
};

/** Returns {chain, db, close}. `onFatal(error)` is called if the chain cannot go on. */
export async function createChain({config, pubkeyCache, anchorState, builderUrl, logger, onFatal}) {
  const controller = new AbortController();
  const db = new BeaconDb(config, new LevelDbController());
  const chain = new BeaconChain(CHAIN_OPTIONS, {
    config,
    pubkeyCache,
    anchorState,
    isAnchorStateFinalized: true,
    db,
    dbName: "memory",
    dataDir: "",
    logger: logger.child({module: "chain"}),
    // Decides which data columns to keep; the node has no other use for an identity.
    privateKey: await generateKeyPair("secp256k1"),
    executionEngine: createExecutionEngine({
      config,
      anchorState,
      signal: controller.signal,
      logger: logger.child({module: "execution"}),
    }),
    executionBuilder: createExecutionBuilder({url: builderUrl, config, logger: logger.child({module: "builder"})}),
    processShutdownCallback: onFatal,
    metrics: null,
    validatorMonitor: null,
  });
  await chain.init();

  async function close() {
    await chain.close();
    controller.abort();
    await db.close();
  }
  return {chain, db, close};
}
