/**
 * The handlers of the fork choice: on_tick, on_block, on_attestation, on_attester_slashing, and the head.
 *
 * Invariants: the head changes only in `updateAndGetHead`; the boost lasts for one slot and goes to the
 * first timely block of it. Blocks reach this class after beacon-node has verified them.
 */
import {SLOTS_PER_EPOCH} from "@lodestar/params";
import {computeEpochAtSlot, computeStartSlotAtEpoch} from "@lodestar/state-transition";
import {toRootHex} from "@lodestar/utils";
import {BlockQueries} from "./block-queries.js";
import {
  ForkChoiceError,
  ForkChoiceErrorCode,
  NotReorgedReason,
  PayloadStatus,
  UpdateHeadOpt,
} from "./constants.js";
import {boostWeight, findHead, subtreeWeights} from "./head.js";
import {withRootHex} from "./store.js";
import {Votes} from "./votes.js";

const NO_ROOT = "0x" + "00".repeat(32);

export class ForkChoice extends BlockQueries {
  #config;
  #votes = new Votes();
  #boostRoot = null;
  #previousBoostRoot = null;
  #head;

  constructor(config, store, tree, _validatorCount, _metrics, _opts, _logger) {
    super(tree, store);
    this.#config = config;
    this.#head = this.#findHead();
  }

  // Time

  /** on_tick, for each slot up to `slot`. */
  updateTime(slot) {
    while (this.store.currentSlot < slot) this.#onSlot(this.store.currentSlot + 1);
  }

  #onSlot(slot) {
    this.store.currentSlot = slot;
    this.#previousBoostRoot = this.#boostRoot;
    this.#boostRoot = null;
    if (slot % SLOTS_PER_EPOCH === 0) this.store.realize();
    this.#votes.onSlot(slot);
  }

  // What arrives

  /**
   * on_block: adds a verified block with its post-state.
   *
   * `delaySec` counts from the start of the block's slot to when the block was first seen. Returns the block as
   * the tree holds it; a known block is returned as it is. Throws ForkChoiceError for a block without a known
   * parent, from the future, or not built on the finalized one.
   */
  onBlock(block, state, delaySec, currentSlot, executionStatus, dataAvailabilityStatus, expectedProposerIndex) {
    const blockRoot = toRootHex(this.#config.getForkTypes(block.slot).BeaconBlock.hashTreeRoot(block));
    const known = this.tree.get(blockRoot);
    if (known) return known;
    const parentRoot = toRootHex(block.parentRoot);
    this.#checkPlace(block, blockRoot, parentRoot, currentSlot);

    const isTimely = this.#isTimely(block, delaySec, currentSlot);
    const justified = withRootHex(state.currentJustifiedCheckpoint);
    const finalized = withRootHex(state.finalizedCheckpoint);
    const unrealized = state.computeUnrealizedCheckpoints();
    const unrealizedJustified = withRootHex(unrealized.justifiedCheckpoint);
    const unrealizedFinalized = withRootHex(unrealized.finalizedCheckpoint);
    const payload = block.body.executionPayload;

    const node = {
      slot: block.slot,
      blockRoot,
      parentRoot,
      stateRoot: toRootHex(block.stateRoot),
      targetRoot: targetRoot(block, blockRoot, state),
      proposerIndex: block.proposerIndex,
      timeliness: isTimely,
      justifiedEpoch: justified.epoch,
      justifiedRoot: justified.rootHex,
      finalizedEpoch: finalized.epoch,
      finalizedRoot: finalized.rootHex,
      unrealizedJustifiedEpoch: unrealizedJustified.epoch,
      unrealizedJustifiedRoot: unrealizedJustified.rootHex,
      unrealizedFinalizedEpoch: unrealizedFinalized.epoch,
      unrealizedFinalizedRoot: unrealizedFinalized.rootHex,
      executionPayloadBlockHash: toRootHex(payload.blockHash),
      executionPayloadNumber: payload.blockNumber,
      executionPayloadGasLimit: payload.gasLimit,
      executionStatus,
      dataAvailabilityStatus,
      payloadStatus: PayloadStatus.FULL,
      parentBlockHash: null,
    };
    this.tree.add(node);

    // Only the proposer of the canonical chain earns the boost; null: beacon-node could not tell who that is.
    const isExpectedProposer = expectedProposerIndex === null || expectedProposerIndex === block.proposerIndex;
    if (isTimely && isExpectedProposer && this.#boostRoot === null) this.#boostRoot = blockRoot;

    this.store.update(justified, finalized, state);
    this.store.updateUnrealized(unrealizedJustified, unrealizedFinalized, state);
    // compute_pulled_up_tip: for a block of an earlier epoch that epoch's boundary has passed already.
    if (computeEpochAtSlot(block.slot) < computeEpochAtSlot(currentSlot)) {
      this.store.update(unrealizedJustified, unrealizedFinalized, state);
    }
    return node;
  }

  /** on_attestation. A vote for a block that the tree does not hold has no weight anywhere and is dropped. */
  onAttestation(indexedAttestation, _attestationDataRoot, _force) {
    const {data, attestingIndices} = indexedAttestation;
    const root = toRootHex(data.beaconBlockRoot);
    if (!this.tree.has(root)) return;
    const vote = {indices: [...attestingIndices], root, slot: data.slot, targetEpoch: data.target.epoch};
    this.#votes.add(vote, this.store.currentSlot);
  }

  onAttesterSlashing(slashing) {
    const first = new Set(slashing.attestation1.attestingIndices);
    for (const index of slashing.attestation2.attestingIndices) {
      if (first.has(index)) this.#votes.addEquivocating(index);
    }
  }

  // Head

  /** The three modes differ only where late blocks are reorged, which is not done here. */
  updateAndGetHead({mode}) {
    if (mode !== UpdateHeadOpt.GetPredictedProposerHead) this.#head = this.#findHead();
    return {
      head: this.#head,
      isHeadTimely: this.#head.timeliness,
      notReorgedReason: NotReorgedReason.ProposerBoostReorgDisabled,
    };
  }

  getHead() {
    return this.#head;
  }

  getHeadRoot() {
    return this.#head.blockRoot;
  }

  getProposerBoostRoot() {
    return this.#boostRoot ?? NO_ROOT;
  }

  getPreviousProposerBoostRoot() {
    return this.#previousBoostRoot ?? NO_ROOT;
  }

  getCanonicalBlockByRoot(root) {
    const rootHex = toRootHex(root);
    return this.tree.isDescendant(rootHex, this.#head.blockRoot) ? this.tree.get(rootHex) : null;
  }

  getCanonicalBlockClosestLteSlot(slot) {
    return this.tree.ancestorAtOrBefore(this.#head.blockRoot, slot) ?? null;
  }

  getCanonicalBlockAtSlot(slot) {
    const block = this.getCanonicalBlockClosestLteSlot(slot);
    return block?.slot === slot ? block : null;
  }

  getAllNodes() {
    const weights = this.#weights();
    return this.tree.bySlot().map((block) => ({...block, weight: weights.get(block.blockRoot)}));
  }

  /** Forgets what is older than, or conflicts with, the finalized block; returns it. */
  prune(finalizedRootHex) {
    return this.tree.prune(finalizedRootHex);
  }

  // What this fork choice does not do

  /** Nothing here goes wrong for good. */
  get irrecoverableError() {
    return undefined;
  }

  shouldOverrideForkChoiceUpdate() {
    return {shouldOverrideFcu: false, reason: NotReorgedReason.ProposerBoostReorgDisabled};
  }

  /** The mock execution engine never calls a payload invalid. */
  validateLatestHash() {
    throw new ForkChoiceError({code: ForkChoiceErrorCode.INVALID_PAYLOAD});
  }

  #weights() {
    const own = this.#votes.weightByRoot(this.store.balances);
    if (this.#boostRoot !== null) {
      const boost = boostWeight(this.store.balances, this.#config.PROPOSER_SCORE_BOOST);
      own.set(this.#boostRoot, (own.get(this.#boostRoot) ?? 0) + boost);
    }
    return subtreeWeights(this.tree, own);
  }

  #findHead() {
    return findHead(this.tree, this.store, this.store.currentSlot, this.#weights());
  }

  #isTimely(block, delaySec, currentSlot) {
    const dueMs = this.#config.getAttestationDueMs(this.#config.getForkName(block.slot));
    return block.slot === currentSlot && delaySec * 1000 < dueMs;
  }

  #checkPlace(block, blockRoot, parentRoot, currentSlot) {
    if (!this.tree.has(parentRoot)) {
      throw new ForkChoiceError({code: ForkChoiceErrorCode.UNKNOWN_PARENT, root: parentRoot});
    }
    if (block.slot > currentSlot) throw new ForkChoiceError({code: ForkChoiceErrorCode.FUTURE_SLOT, root: blockRoot});
    if (!this.tree.isDescendant(this.store.finalized.rootHex, parentRoot)) {
      throw new ForkChoiceError({code: ForkChoiceErrorCode.NOT_FINALIZED_DESCENDANT, root: blockRoot});
    }
  }
}

/** Root of the checkpoint block of the block's own epoch. */
function targetRoot(block, blockRoot, state) {
  const epochStartSlot = computeStartSlotAtEpoch(computeEpochAtSlot(block.slot));
  return block.slot === epochStartSlot ? blockRoot : toRootHex(state.getBlockRootAtSlot(epochStartSlot));
}
