/** Command line of the beacon node. All values are whole numbers, except the builder's URL and the log level. */
import {parseArgs} from "node:util";

export const USAGE = `usage: node main.mjs --port P --genesis-time T [options]
  --port P                   REST port on 127.0.0.1 (0: any free one, see the READY line)
  --genesis-time T           unix time of slot 0 in seconds; the node answers before it
  --slot-ms N                slot time in milliseconds, a multiple of 1000 (6000)
  --validators N             validators at genesis, with the interop keys 0..N-1 (256)
  --slots-per-epoch N        (8)
  --sync-period-epochs N     epochs per sync committee period (8)
  --builder-url URL          ask this block builder for payloads (none)
  --parent-pid PID           end when this process is gone
  --log-level LEVEL          error, warn, info, verbose, debug or trace (warn)`;

/** The options by name. Throws Error with a sentence for the user. */
export function parseOptions(argv) {
  const {values} = parseArgs({
    args: argv,
    options: {
      port: {type: "string"},
      "genesis-time": {type: "string"},
      "slot-ms": {type: "string", default: "6000"},
      validators: {type: "string", default: "256"},
      "slots-per-epoch": {type: "string", default: "8"},
      "sync-period-epochs": {type: "string", default: "8"},
      "builder-url": {type: "string"},
      "parent-pid": {type: "string"},
      "log-level": {type: "string", default: "warn"},
    },
  });
  const options = {
    port: wholeNumber(values, "port", 0),
    genesisTime: wholeNumber(values, "genesis-time", 1),
    slotMs: wholeNumber(values, "slot-ms", 1000),
    validators: wholeNumber(values, "validators", 1),
    slotsPerEpoch: wholeNumber(values, "slots-per-epoch", 2),
    syncPeriodEpochs: wholeNumber(values, "sync-period-epochs", 1),
    builderUrl: values["builder-url"],
    parentPid: values["parent-pid"] === undefined ? undefined : wholeNumber(values, "parent-pid", 1),
    logLevel: values["log-level"],
  };
  // The spec answer holds SECONDS_PER_SLOT, an integer, beside SLOT_DURATION_MS.
  if (options.slotMs % 1000 !== 0) throw new Error("--slot-ms must be a multiple of 1000");
  if (options.builderUrl !== undefined && !URL.canParse(options.builderUrl)) {
    throw new Error("--builder-url must be a URL");
  }
  return options;
}

function wholeNumber(values, name, least) {
  const text = values[name];
  if (text === undefined) throw new Error(`--${name} is required`);
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least) throw new Error(`--${name} must be a whole number, at least ${least}`);
  return value;
}
