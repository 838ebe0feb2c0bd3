/** Names and codes that beacon-node compares with. */

export const ExecutionStatus = {
  Valid: "Valid",
  Syncing: "Syncing",
  PreMerge: "PreMerge",
  Invalid: "Invalid",
  PayloadSeparated: "PayloadSeparated",
};

/** Before Gloas a block carries its payload, so every block is FULL. */
export const PayloadStatus = {PENDING: 0, EMPTY: 1, FULL: 2};

/** How many epochs before the block's own epoch the dependent root lies. */
export const EpochDifference = {current: 0, previous: 1};

export const AncestorStatus = {
  CommonAncestor: "common_ancestor",
  NoCommonAncenstor: "no_common_ancestor", // spelt as beacon-node spells it
  Descendant: "descendant",
};

export const UpdateHeadOpt = {
  GetCanonicalHead: "getCanonicalHead",
  GetProposerHead: "getProposerHead",
  GetPredictedProposerHead: "getPredictedProposerHead",
};

export const NotReorgedReason = {
  NotProposerOfNextSlot: "notProposerOfNextSlot",
  NotShufflingStable: "notShufflingStable",
  ProposerBoostReorgDisabled: "proposerBoostReorgDisabled",
  Unknown: "unknown",
};

export const ForkChoiceErrorCode = {
  FUTURE_SLOT: "FORKCHOICE_ERROR_FUTURE_SLOT",
  INVALID_ATTESTATION: "FORKCHOICE_ERROR_INVALID_ATTESTATION",
  INVALID_PAYLOAD: "FORKCHOICE_ERROR_INVALID_PAYLOAD",
  NOT_FINALIZED_DESCENDANT: "FORKCHOICE_ERROR_NOT_FINALIZED_DESCENDANT",
  UNKNOWN_BLOCK: "FORKCHOICE_ERROR_UNKNOWN_BLOCK",
  UNKNOWN_PARENT: "FORKCHOICE_ERROR_UNKNOWN_PARENT",
};

export class ForkChoiceError extends Error {
  constructor(type) {
    super(`${type.code} ${type.root ?? ""}`.trim());
    this.type = type;
  }
}
