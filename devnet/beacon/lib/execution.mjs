/** Lodestar's mock execution engine, kept from making blobs: there is no KZG library to commit to them. */
import {ExecutionEngineMockBackend, getExecutionEngineFromBackend} from "./lodestar-internals.mjs";
import {toRootHex} from "@lodestar/utils";

const ZERO_HASH = "0x" + "00".repeat(32);

// The mock adds (block number mod 3 or 4, by fork) blob transactions: none, if 12 divides the number.
const BLOB_FREE_STEP = 12;

class BlobFreeMockBackend extends ExecutionEngineMockBackend {
  notifyForkchoiceUpdate(forkchoiceState, payloadAttributes) {
    const parent = this.validBlocks.get(forkchoiceState.headBlockHash);
    if (payloadAttributes && parent) {
      // The mock gives the next block the parent's number + 1; nothing else reads the parent's number.
      const untilMultiple = BLOB_FREE_STEP - 1 - (parent.blockNumber % BLOB_FREE_STEP);
      parent.blockNumber += untilMultiple;
    }
    return super.notifyForkchoiceUpdate(forkchoiceState, payloadAttributes);
  }
}

export function createExecutionEngine({config, anchorState, signal, logger}) {
  const backend = new BlobFreeMockBackend({
    config,
    genesisTime: anchorState.genesisTime,
    genesisBlockHash: ZERO_HASH,
    eth1BlockHash: toRootHex(anchorState.latestExecutionPayloadHeader.blockHash),
  });
  return getExecutionEngineFromBackend(backend, {metrics: null, signal, logger});
}
