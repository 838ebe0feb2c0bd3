/** One line a slot: where the head and the checkpoints are, and what the process takes. */
import {ClockEvent} from "./lodestar-internals.mjs";

const BYTES_PER_MB = 1e6;

export function logSlots(chain) {
  chain.clock.on(ClockEvent.slot, (slot) => {
    if (slot < 0) return;
    const {forkChoice} = chain;
    const head = forkChoice.getHead();
    const fields = {
      slot,
      head_slot: head.slot,
      head_root: head.blockRoot.slice(0, 10),
      justified_epoch: forkChoice.getJustifiedCheckpoint().epoch,
      finalized_epoch: forkChoice.getFinalizedCheckpoint().epoch,
      rss_mb: Math.round(process.memoryUsage().rss / BYTES_PER_MB),
    };
    const text = Object.entries(fields).map(([name, value]) => `${name}=${value}`);
    console.log(new Date().toISOString(), "slot", ...text);
  });
}
