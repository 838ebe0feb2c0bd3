/**
 * What beacon-node asks about blocks and checkpoints; nothing here changes anything.
 *
 * Roots come as bytes or, where the name says Hex, as hex strings. The lookups without `Unsafe` know only
 * the finalized block and its descendants. Names and arguments are those that beacon-node 1.44 calls.
 */
import {SLOTS_PER_EPOCH} from "@lodestar/params";
import {computeStartSlotAtEpoch} from "@lodestar/state-transition";
import {toRootHex} from "@lodestar/utils";
import {AncestorStatus, ForkChoiceError, ForkChoiceErrorCode, PayloadStatus} from "./constants.js";

export class BlockQueries {
  constructor(tree, store) {
    this.tree = tree;
    this.store = store;
  }

  // Checkpoints

  getTime() {
    return this.store.currentSlot;
  }

  getJustifiedCheckpoint() {
    return this.store.justified;
  }

  getFinalizedCheckpoint() {
    return this.store.finalized;
  }

  getUnrealizedJustifiedCheckpoint() {
    return this.store.unrealizedJustified;
  }

  getUnrealizedFinalizedCheckpoint() {
    return this.store.unrealizedFinalized;
  }

  getFinalizedCheckpointSlot() {
    return computeStartSlotAtEpoch(this.store.finalized.epoch);
  }

  getJustifiedBlock() {
    return this.#mustGet(this.store.justified.rootHex);
  }

  getFinalizedBlock() {
    return this.#mustGet(this.store.finalized.rootHex);
  }

  /** Fast confirmation is not run: only what is justified counts as confirmed. */
  getConfirmedRoot() {
    return this.store.justified.rootHex;
  }

  getConfirmedBlock() {
    return this.getJustifiedBlock();
  }

  // One block

  hasBlockUnsafe(root) {
    return this.tree.has(toRootHex(root));
  }

  hasBlockHexUnsafe(rootHex) {
    return this.tree.has(rootHex);
  }

  hasPayloadHexUnsafe(rootHex) {
    return this.tree.has(rootHex);
  }

  hasBlock(root) {
    return this.hasBlockHex(toRootHex(root));
  }

  hasBlockHex(rootHex) {
    return this.getBlockHexDefaultStatus(rootHex) !== null;
  }

  getBlockDefaultStatus(root) {
    return this.getBlockHexDefaultStatus(toRootHex(root));
  }

  getBlockHexDefaultStatus(rootHex) {
    return this.tree.isDescendant(this.store.finalized.rootHex, rootHex) ? this.tree.get(rootHex) : null;
  }

  getBlockHex(rootHex, payloadStatus) {
    return payloadStatus === PayloadStatus.FULL ? this.getBlockHexDefaultStatus(rootHex) : null;
  }

  getBlockHexAndBlockHash(rootHex, executionBlockHash) {
    const block = this.getBlockHexDefaultStatus(rootHex);
    return block?.executionPayloadBlockHash === executionBlockHash ? block : null;
  }

  // Chains

  *iterateAncestorBlocks(rootHex) {
    const [, ...ancestors] = this.tree.chain(rootHex);
    yield* ancestors;
  }

  /** From the block itself down to, but without, the last one that the tree holds: that one is archived already. */
  getAllAncestorBlocks(rootHex) {
    const chain = [...this.tree.chain(rootHex)];
    return chain.length > 1 ? chain.slice(0, -1) : chain;
  }

  /** What can be archived once `rootHex` is final, and what can be thrown away. `ancestors` begins with the block. */
  getAllAncestorAndNonAncestorBlocksDefaultStatus(rootHex) {
    return {ancestors: [...this.tree.chain(rootHex)], nonAncestors: this.tree.split(rootHex).conflicting};
  }

  *forwarditerateAncestorBlocks() {
    yield* this.tree.bySlot();
  }

  *forwardIterateDescendantsDefaultStatus(rootHex) {
    for (const block of this.tree.bySlot()) {
      if (block.blockRoot !== rootHex && this.tree.isDescendant(rootHex, block.blockRoot)) yield block;
    }
  }

  getHeads() {
    return this.tree.leaves();
  }

  getBlockSummariesByParentRoot(rootHex) {
    return [...this.tree.children(rootHex)];
  }

  getBlockSummariesAtSlot(slot) {
    return this.tree.bySlot().filter((block) => block.slot === slot);
  }

  /** How many blocks are newer than `slot`: the builder circuit breaker counts missed slots by it. */
  getSlotsPresent(slot) {
    return this.tree.bySlot().filter((block) => block.slot > slot).length;
  }

  getCommonAncestorDepth(previous, next) {
    for (const block of this.tree.chain(previous.blockRoot)) {
      if (!this.tree.isDescendant(block.blockRoot, next.blockRoot)) continue;
      if (block.blockRoot === previous.blockRoot) return {code: AncestorStatus.Descendant};
      return {code: AncestorStatus.CommonAncestor, depth: previous.slot - block.slot};
    }
    return {code: AncestorStatus.NoCommonAncenstor};
  }

  /**
   * The block that decides the shuffling: the last one before the block's epoch (`epochDifference` 0) or before
   * the epoch ahead of it (1). Near genesis it is the genesis block.
   */
  getDependentRoot(block, epochDifference) {
    const epochStartSlot = block.slot - (block.slot % SLOTS_PER_EPOCH) - epochDifference * SLOTS_PER_EPOCH;
    const chain = [...this.tree.chain(block.blockRoot)];
    if (epochStartSlot <= 0) return chain.at(-1).blockRoot;
    for (const ancestor of chain) {
      if (ancestor.slot < epochStartSlot) return ancestor.blockRoot;
      // Its parent may be pruned already: finality can reach this very block. The root is known all the same.
      if (ancestor.slot === epochStartSlot) return ancestor.parentRoot;
    }
    throw new ForkChoiceError({code: ForkChoiceErrorCode.UNKNOWN_BLOCK, root: block.blockRoot});
  }

  #mustGet(rootHex) {
    const block = this.tree.get(rootHex);
    if (!block) throw new ForkChoiceError({code: ForkChoiceErrorCode.UNKNOWN_BLOCK, root: rootHex});
    return block;
  }
}
