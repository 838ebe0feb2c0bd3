/**
 * The latest message of each validator: which block it last voted for, and in which target epoch.
 *
 * An attestation counts from the slot after its own (on_attestation: "attestations can only affect the
 * fork choice of subsequent slots"), so those of the current slot wait in a queue. Validators that were
 * shown to equivocate lose their weight for good.
 */
export class Votes {
  #latest = new Map();
  #waiting = [];
  #equivocating = new Set();

  /** vote: {indices, root, slot, targetEpoch} of an attestation whose signature and target are checked already. */
  add(vote, currentSlot) {
    if (vote.slot < currentSlot) this.#apply(vote);
    else this.#waiting.push(vote);
  }

  /** Lets those count whose slot has passed. */
  onSlot(currentSlot) {
    const due = this.#waiting.filter((vote) => vote.slot < currentSlot);
    this.#waiting = this.#waiting.filter((vote) => vote.slot >= currentSlot);
    for (const vote of due) this.#apply(vote);
  }

  addEquivocating(validatorIndex) {
    this.#equivocating.add(validatorIndex);
  }

  /** Root → sum of the balances that voted for exactly this block. */
  weightByRoot(balances) {
    const weights = new Map();
    for (const [index, {root}] of this.#latest) {
      if (this.#equivocating.has(index)) continue;
      weights.set(root, (weights.get(root) ?? 0) + (balances[index] ?? 0));
    }
    return weights;
  }

  #apply({indices, root, targetEpoch}) {
    for (const index of indices) {
      const known = this.#latest.get(index);
      if (!known || targetEpoch > known.targetEpoch) this.#latest.set(index, {root, targetEpoch});
    }
  }
}
