/**
 * The checkpoints of the fork choice (the spec's `Store`, without blocks and votes).
 *
 * Realized checkpoints are those that a block's state has; unrealized ones are those it would have at the
 * next epoch boundary, and become real when that boundary comes. Neither kind ever moves back.
 * `balances[i]` is validator i's effective balance in the justified state, in increments, 0 if it is not active.
 */
import {toRootHex} from "@lodestar/utils";

/** Checkpoints here carry the root both as bytes (for beacon-node) and as hex (for lookups). */
export function withRootHex(checkpoint) {
  return {epoch: checkpoint.epoch, root: checkpoint.root, rootHex: checkpoint.rootHex ?? toRootHex(checkpoint.root)};
}

export class ForkChoiceStore {
  #balancesGetter;
  #events;
  #unrealizedBalances;

  constructor(currentSlot, justified, finalized, balances, balancesGetter, _stateGetter, events) {
    this.currentSlot = currentSlot;
    this.justified = withRootHex(justified);
    this.finalized = withRootHex(finalized);
    this.unrealizedJustified = this.justified;
    this.unrealizedFinalized = this.finalized;
    this.balances = balances;
    this.#unrealizedBalances = balances;
    this.#balancesGetter = balancesGetter;
    this.#events = events;
  }

  /** update_checkpoints: takes over what the state of an imported block holds. */
  update(justified, finalized, state) {
    if (justified.epoch > this.justified.epoch) this.#justify(justified, this.#balancesGetter(justified, state));
    if (finalized.epoch > this.finalized.epoch) this.#finalize(finalized);
  }

  /** update_unrealized_checkpoints */
  updateUnrealized(justified, finalized, state) {
    if (justified.epoch > this.unrealizedJustified.epoch) {
      this.unrealizedJustified = justified;
      this.#unrealizedBalances = this.#balancesGetter(justified, state);
    }
    if (finalized.epoch > this.unrealizedFinalized.epoch) this.unrealizedFinalized = finalized;
  }

  /** on_tick at the first slot of an epoch: what was unrealized is so no longer. */
  realize() {
    if (this.unrealizedJustified.epoch > this.justified.epoch) {
      this.#justify(this.unrealizedJustified, this.#unrealizedBalances);
    }
    if (this.unrealizedFinalized.epoch > this.finalized.epoch) this.#finalize(this.unrealizedFinalized);
  }

  #justify(checkpoint, balances) {
    this.justified = checkpoint;
    this.balances = balances;
    this.#events?.onJustified?.(checkpoint);
  }

  #finalize(checkpoint) {
    this.finalized = checkpoint;
    this.#events?.onFinalized?.(checkpoint);
  }
}
