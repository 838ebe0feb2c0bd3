/** Lodestar's client of a block builder. */
import {SLOTS_PER_EPOCH} from "@lodestar/params";
import {initializeExecutionBuilder} from "./lodestar-internals.mjs";

// The circuit breaker counts the blocks of so many past slots; of a young chain it counts what there is. The shortest
// window that Lodestar takes, so that a slot missed while everything starts is soon forgotten.
const FAULT_WINDOW_SLOTS = SLOTS_PER_EPOCH;

/** The builder at `url`, or undefined without one. It is asked for its status only when a proposal is near. */
export function createExecutionBuilder({url, config, logger}) {
  if (url === undefined) return undefined;
  const options = {
    enabled: true,
    url,
    timeout: 12_000,
    faultInspectionWindow: FAULT_WINDOW_SLOTS,
  };
  return initializeExecutionBuilder(options, config, null, logger);
}
