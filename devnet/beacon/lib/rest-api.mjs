/** Lodestar's REST server on the loopback interface. */
import {BeaconRestApiServer, getApi} from "@lodestar/beacon-node/api";
import {defaultApiOptions} from "./lodestar-internals.mjs";

const NAMESPACES = ["beacon", "config", "debug", "events", "node", "validator", "lodestar"];
const VERSION = "devnet-beacon/0.0.0 (on Lodestar packages 1.44 and 1.46)";

/** Starts to listen; returns {port, close}. Throws if the port is taken. */
export async function serveRestApi({port, config, logger, db, chain, network, sync}) {
  const api = getApi(
    {...defaultApiOptions, version: VERSION},
    {config, logger: logger.child({module: "api"}), db, sync, network, chain, metrics: null}
  );
  const server = new BeaconRestApiServer(
    {enabled: true, api: NAMESPACES, address: "127.0.0.1", port},
    {config, logger: logger.child({module: "rest"}), api, metrics: null}
  );
  await server.registerRoutes(VERSION);
  await server.listen();
  return {port: server.server.addresses()[0].port, close: () => server.close()};
}
