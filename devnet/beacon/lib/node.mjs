/** Puts the node together: genesis, chain, REST API. */
import "./version-skew.mjs";
import {getNodeLogger} from "@lodestar/logger/node";
import {devnetChainConfig} from "./chain-config.mjs";
import {createChain} from "./chain.mjs";
import {buildGenesis} from "./genesis.mjs";
import {lonelyNetwork} from "./network.mjs";
import {serveRestApi} from "./rest-api.mjs";
import {logSlots} from "./slot-log.mjs";
import {soleSourceSync} from "./sync.mjs";

/** Returns {port, close} once the REST API answers. */
export async function startNode(options) {
  const logger = getNodeLogger({level: options.logLevel});
  const {config, pubkeyCache, anchorState} = buildGenesis(devnetChainConfig(options), options);
  const {chain, db, close: closeChain} = await createChain({
    config,
    pubkeyCache,
    anchorState,
    builderUrl: options.builderUrl,
    logger,
    onFatal: (error) => {
      logger.error("The chain cannot go on", {}, error);
      process.exit(1);
    },
  });
  logSlots(chain);

  const network = {...lonelyNetwork, custodyConfig: chain.custodyConfig};
  const sync = soleSourceSync(chain);
  const rest = await serveRestApi({port: options.port, config, logger, db, chain, network, sync});
  return {
    port: rest.port,
    async close() {
      await rest.close();
      await closeChain();
    },
  };
}
