/**
 * The genesis state: validators 0..N-1 with the interop keys, 32 ETH each, active from epoch 0.
 *
 * The same options give the same state, so nodes started with the same genesis time share a chain.
 */
import {nodeUtils} from "@lodestar/beacon-node/node";
import {createBeaconConfig, createChainForkConfig} from "@lodestar/config";
import {BeaconStateView, createCachedBeaconState, createPubkeyCache} from "@lodestar/state-transition";
import {ssz} from "@lodestar/types";
import {initializeProposerLookahead} from "./lodestar-internals.mjs";

/** Returns {config, pubkeyCache, anchorState}: what a BeaconChain begins with. */
export function buildGenesis(chainConfig, {validators, genesisTime}) {
  // BLS withdrawal credentials (0x00): with others the chain expects withdrawals as soon as there are rewards,
  // and the mock execution engine's payloads have none.
  const state = nodeUtils.initDevState(createChainForkConfig(chainConfig), validators, {
    genesisTime,
    withEth1Credentials: false,
  });
  const config = createBeaconConfig(chainConfig, state.genesisValidatorsRoot);
  const pubkeyCache = createPubkeyCache();
  const cached = createCachedBeaconState(state, {config, pubkeyCache});

  // initDevState leaves the lookahead of EIP-7917 empty, which would make validator 0 propose every slot.
  const lookahead = initializeProposerLookahead(cached);
  cached.proposerLookahead = ssz.fulu.ProposerLookahead.toViewDU(lookahead);
  cached.commit();

  // A second time, because the caches of the first were built on the empty lookahead.
  const filled = ssz.fulu.BeaconState.getViewDU(cached.node);
  const options = {skipSyncPubkeys: true};
  const anchor = createCachedBeaconState(filled, {config, pubkeyCache}, options);
  return {config, pubkeyCache, anchorState: new BeaconStateView(anchor)};
}
