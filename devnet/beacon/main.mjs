/**
 * Entry point of the devnet's beacon node.
 *
 * The preset must be set before any Lodestar library is loaded: they read it once, at import. That is why
 * everything that imports them is loaded dynamically, after it.
 */
import {PresetName, setActivePreset} from "@lodestar/params/setPreset";
import {parseOptions, USAGE} from "./lib/options.mjs";

let options;
try {
  options = parseOptions(process.argv.slice(2));
} catch (error) {
  console.error(`${error.message}\n${USAGE}`);
  process.exit(2);
}

// The SSZ types keep mainnet's sizes; only epochs and sync committee periods are short.
setActivePreset(PresetName.mainnet, {
  SLOTS_PER_EPOCH: options.slotsPerEpoch,
  EPOCHS_PER_SYNC_COMMITTEE_PERIOD: options.syncPeriodEpochs,
});

const {endWith} = await import("./lib/lifecycle.mjs");
const {startNode} = await import("./lib/node.mjs");

const node = await startNode(options);
endWith(node, options.parentPid);
console.log(`READY port=${node.port} genesis_time=${options.genesisTime}`);
