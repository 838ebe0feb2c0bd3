/** The sync status of a node that has nobody to sync from: it is always synced, to the head it has. */

export function soleSourceSync(chain) {
  return {
    state: "Synced",
    getSyncStatus() {
      const headSlot = chain.forkChoice.getHead().slot;
      // Negative before genesis, when the clock's slot is.
      const syncDistance = Math.max(0, chain.clock.currentSlot - headSlot);
      return {headSlot, syncDistance, isSyncing: false, isOptimistic: false, elOffline: false};
    },
    getSyncChainsDebugState: () => [],
  };
}
