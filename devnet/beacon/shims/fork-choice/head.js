/**
 * LMD-GHOST: from the justified block on, always take the child whose subtree weighs most.
 *
 * Pure functions over the block tree. Source: get_weight, get_filtered_block_tree and get_head of
 * phase0/fork-choice.md.
 */
import {GENESIS_EPOCH, SLOTS_PER_EPOCH} from "@lodestar/params";
import {computeEpochAtSlot, computeStartSlotAtEpoch} from "@lodestar/state-transition";

/** Weight of the proposer boost: a share (in percent) of one slot's committee. Same unit as `balances`. */
export function boostWeight(balances, boostPercent) {
  let total = 0;
  for (const balance of balances) total += balance;
  return Math.floor((Math.floor(total / SLOTS_PER_EPOCH) * boostPercent) / 100);
}

/** Root → weight of the block with everything built on it. `own` holds the weight of each block by itself. */
export function subtreeWeights(tree, own) {
  const weights = new Map();
  for (const block of tree.bySlot().reverse()) {
    let weight = own.get(block.blockRoot) ?? 0;
    for (const child of tree.children(block.blockRoot)) weight += weights.get(child.blockRoot);
    weights.set(block.blockRoot, weight);
  }
  return weights;
}

/**
 * The head block.
 *
 * `checkpoints` are {justified, finalized} of the store, `weights` what subtreeWeights gave.
 * If no leaf is viable the justified block is the head, as in the spec.
 */
export function findHead(tree, checkpoints, currentSlot, weights) {
  const viable = viableBlocks(tree, checkpoints, computeEpochAtSlot(currentSlot));
  let head = tree.get(checkpoints.justified.rootHex);
  for (;;) {
    const children = tree.children(head.blockRoot).filter((child) => viable.has(child));
    if (children.length === 0) return head;
    head = children.reduce((best, child) => (isHeavier(child, best, weights) ? child : best));
  }
}

/** Equal weights are decided by the higher root, so that all nodes agree. */
function isHeavier(a, b, weights) {
  const difference = weights.get(a.blockRoot) - weights.get(b.blockRoot);
  return difference !== 0 ? difference > 0 : a.blockRoot > b.blockRoot;
}

/** The blocks on the way to a leaf that agrees with the store's checkpoints. */
function viableBlocks(tree, checkpoints, currentEpoch) {
  const viable = new Set();
  for (const block of tree.bySlot().reverse()) {
    const children = tree.children(block.blockRoot);
    const isViable =
      children.length > 0
        ? children.some((child) => viable.has(child))
        : isViableLeaf(tree, block, checkpoints, currentEpoch);
    if (isViable) viable.add(block);
  }
  return viable;
}

function isViableLeaf(tree, block, {justified, finalized}, currentEpoch) {
  // A block of an earlier epoch is judged by the justification that it brings about, not the one it began with.
  const isFromEarlierEpoch = computeEpochAtSlot(block.slot) < currentEpoch;
  const sourceEpoch = isFromEarlierEpoch ? block.unrealizedJustifiedEpoch : block.justifiedEpoch;
  const agreesOnJustified =
    justified.epoch === GENESIS_EPOCH || sourceEpoch === justified.epoch || sourceEpoch + 2 >= currentEpoch;
  const agreesOnFinalized =
    finalized.epoch === GENESIS_EPOCH ||
    tree.ancestorAtOrBefore(block.blockRoot, computeStartSlotAtEpoch(finalized.epoch))?.blockRoot === finalized.rootHex;
  return agreesOnJustified && agreesOnFinalized;
}
