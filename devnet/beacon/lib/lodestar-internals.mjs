/**
 * The modules of Lodestar that its packages do not export, reached by their path.
 *
 * In one place, since an upgrade of the packages may move them.
 */
const beaconNode = import.meta.resolve("@lodestar/beacon-node");
const stateTransition = import.meta.resolve("@lodestar/state-transition");

const load = (entry, path) => import(new URL(path, entry).href);

export const {defaultChainOptions} = await load(beaconNode, "chain/options.js");
export const {defaultApiOptions} = await load(beaconNode, "api/options.js");
export const {ClockEvent} = await load(beaconNode, "util/clock.js");
export const {getExecutionEngineFromBackend} = await load(beaconNode, "execution/engine/index.js");
export const {initializeExecutionBuilder} = await load(beaconNode, "execution/builder/index.js");
export const {ExecutionEngineMockBackend} = await load(beaconNode, "execution/engine/mock.js");
export const {initializeProposerLookahead} = await load(stateTransition, "util/fulu.js");
