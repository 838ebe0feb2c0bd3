/**
 * What beacon-node 1.44 asks of its libraries and version 1.46 of them no longer has.
 *
 * Imported for its effect. The README says why the versions differ.
 */
import {BeaconStateView} from "@lodestar/state-transition";

/** The proposer of `slot`, or null where the state cannot know it (more than an epoch away). */
BeaconStateView.prototype.getBeaconProposerOrNull ??= function getBeaconProposerOrNull(slot) {
  try {
    return this.getBeaconProposer(slot);
  } catch {
    return null;
  }
};
