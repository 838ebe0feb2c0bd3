/**
 * The fork choice of the devnet's beacon node: LMD-GHOST with proposer boost, for forks before Gloas.
 *
 * Stands where `@lodestar/fork-choice` would (npm lacks the version that beacon-node 1.44 asks for) and
 * offers the names which beacon-node imports. Rules: consensus-specs, phase0/fork-choice.md.
 *
 * Not here: reorgs of late blocks by the proposer, invalid execution payloads, payload attestations.
 */
export {
  AncestorStatus,
  EpochDifference,
  ExecutionStatus,
  ForkChoiceError,
  ForkChoiceErrorCode,
  NotReorgedReason,
  PayloadStatus,
  UpdateHeadOpt,
} from "./constants.js";
export {ForkChoice} from "./fork-choice.js";
export {ForkChoiceStore} from "./store.js";
export {ProtoArray} from "./block-tree.js";

const ZERO_ROOT = "0x" + "00".repeat(32);

/** Hash of the execution block that an execution client may call safe: the justified one. */
export function getSafeExecutionBlockHash(forkChoice) {
  return forkChoice.getJustifiedBlock()?.executionPayloadBlockHash ?? ZERO_ROOT;
}

/** The devnet runs without metrics. */
export function getForkChoiceMetrics() {
  return {};
}
