/** The fork choice on small trees. Roots are made up; states are replaced by what the fork choice reads of them. */
import assert from "node:assert/strict";
import {test} from "node:test";
import {PresetName, setActivePreset} from "@lodestar/params/setPreset";

setActivePreset(PresetName.mainnet, {SLOTS_PER_EPOCH: 8});
const {AncestorStatus, ForkChoice, ForkChoiceError, ForkChoiceStore, ProtoArray, UpdateHeadOpt} = await import(
  "@lodestar/fork-choice"
);

const VALIDATORS = 64;
const BALANCE = 32;
const CONFIG = {
  PROPOSER_SCORE_BOOST: 40,
  getForkName: () => "fulu",
  getAttestationDueMs: () => 2000,
  getForkTypes: () => ({BeaconBlock: {hashTreeRoot: (block) => block.root}}),
};
const GENESIS = root(0xaa);
const LATE_SEC = 3;

function root(number) {
  return Uint8Array.from({length: 32}, () => number);
}

function hex(bytes) {
  return "0x" + Buffer.from(bytes).toString("hex");
}

function checkpoint(epoch, checkpointRoot) {
  return {epoch, root: checkpointRoot};
}

/** A fork choice that knows the genesis block only, and lists of the events that it sent. */
function newForkChoice() {
  const events = {justified: [], finalized: []};
  const genesis = checkpoint(0, GENESIS);
  const store = new ForkChoiceStore(
    0,
    genesis,
    genesis,
    new Array(VALIDATORS).fill(BALANCE),
    () => new Array(VALIDATORS).fill(BALANCE),
    () => null,
    {
      onJustified: ({epoch}) => events.justified.push(epoch),
      onFinalized: ({epoch}) => events.finalized.push(epoch),
    }
  );
  const anchor = {
    slot: 0,
    blockRoot: hex(GENESIS),
    parentRoot: hex(root(0)),
    justifiedEpoch: 0,
    unrealizedJustifiedEpoch: 0,
    timeliness: true,
  };
  return {forkChoice: new ForkChoice(CONFIG, store, ProtoArray.initialize(anchor, 0)), events};
}

function addBlock(forkChoice, name, parent, slot, options = {}) {
  const genesis = checkpoint(0, GENESIS);
  const {justified = genesis, finalized = genesis, delaySec = LATE_SEC, proposer = 7, expectedProposer = 7} = options;
  const {unrealizedJustified = justified, unrealizedFinalized = finalized} = options;
  const block = {
    root: root(name),
    parentRoot: parent,
    stateRoot: root(name),
    slot,
    proposerIndex: proposer,
    body: {executionPayload: {blockHash: root(name), blockNumber: slot, gasLimit: 0}},
  };
  const state = {
    currentJustifiedCheckpoint: justified,
    finalizedCheckpoint: finalized,
    computeUnrealizedCheckpoints: () => ({
      justifiedCheckpoint: unrealizedJustified,
      finalizedCheckpoint: unrealizedFinalized,
    }),
    getBlockRootAtSlot: () => GENESIS,
  };
  forkChoice.onBlock(block, state, delaySec, forkChoice.getTime(), "Valid", "Available", expectedProposer);
  return block.root;
}

function vote(forkChoice, attestingIndices, blockRoot, slot, targetEpoch = 0) {
  const data = {slot, beaconBlockRoot: blockRoot, target: {epoch: targetEpoch}};
  forkChoice.onAttestation({attestingIndices, data}, "");
}

function headOf(forkChoice) {
  return forkChoice.updateAndGetHead({mode: UpdateHeadOpt.GetCanonicalHead}).head.blockRoot;
}

test("equal weights go to the higher root", () => {
  const {forkChoice} = newForkChoice();
  forkChoice.updateTime(1);
  const high = addBlock(forkChoice, 2, GENESIS, 1);
  addBlock(forkChoice, 1, GENESIS, 1);
  assert.equal(headOf(forkChoice), hex(high));
});

test("the heavier subtree wins over the longer chain", () => {
  const {forkChoice} = newForkChoice();
  forkChoice.updateTime(2);
  const short = addBlock(forkChoice, 1, GENESIS, 1);
  const long = addBlock(forkChoice, 2, GENESIS, 1);
  const tip = addBlock(forkChoice, 3, long, 2);
  vote(forkChoice, [0], tip, 1);
  vote(forkChoice, [1, 2], short, 1);
  assert.equal(headOf(forkChoice), hex(short));
  vote(forkChoice, [3, 4], long, 1);
  assert.equal(headOf(forkChoice), hex(tip));
});

test("a vote counts from the next slot on, and only the one with the highest target", () => {
  const {forkChoice} = newForkChoice();
  forkChoice.updateTime(1);
  const low = addBlock(forkChoice, 1, GENESIS, 1);
  const high = addBlock(forkChoice, 2, GENESIS, 1);
  vote(forkChoice, [0], low, 1);
  assert.equal(headOf(forkChoice), hex(high));
  forkChoice.updateTime(2);
  assert.equal(headOf(forkChoice), hex(low));
  vote(forkChoice, [0], high, 1); // same target epoch: the first stays
  assert.equal(headOf(forkChoice), hex(low));
  vote(forkChoice, [0], high, 1, 1);
  assert.equal(headOf(forkChoice), hex(high));
});

test("equivocating validators have no weight", () => {
  const {forkChoice} = newForkChoice();
  forkChoice.updateTime(2);
  const low = addBlock(forkChoice, 1, GENESIS, 1);
  const high = addBlock(forkChoice, 2, GENESIS, 1);
  vote(forkChoice, [0], low, 1);
  assert.equal(headOf(forkChoice), hex(low));
  forkChoice.onAttesterSlashing({attestation1: {attestingIndices: [0, 1]}, attestation2: {attestingIndices: [0]}});
  assert.equal(headOf(forkChoice), hex(high));
});

test("a timely block is boosted for its slot by two fifths of a committee", () => {
  const {forkChoice} = newForkChoice();
  forkChoice.updateTime(2);
  const timely = addBlock(forkChoice, 1, GENESIS, 2, {delaySec: 0});
  const late = addBlock(forkChoice, 2, GENESIS, 2);
  assert.equal(forkChoice.getProposerBoostRoot(), hex(timely));
  // 64 validators in 8 slots: a committee of 8, so the boost is worth 3.2 votes.
  vote(forkChoice, [0, 1, 2], late, 1);
  assert.equal(headOf(forkChoice), hex(timely));
  vote(forkChoice, [3], late, 1);
  assert.equal(headOf(forkChoice), hex(late));
  forkChoice.updateTime(3);
  assert.equal(Number(forkChoice.getProposerBoostRoot()), 0);
});

test("no boost for a late block, a second block or a proposer of another chain", () => {
  const {forkChoice} = newForkChoice();
  forkChoice.updateTime(1);
  addBlock(forkChoice, 1, GENESIS, 1);
  addBlock(forkChoice, 2, GENESIS, 1, {delaySec: 0, expectedProposer: 8});
  assert.equal(Number(forkChoice.getProposerBoostRoot()), 0);
  const first = addBlock(forkChoice, 3, GENESIS, 1, {delaySec: 0, expectedProposer: null});
  addBlock(forkChoice, 4, GENESIS, 1, {delaySec: 0});
  assert.equal(forkChoice.getProposerBoostRoot(), hex(first));
});

test("unrealized checkpoints become real at the epoch's start, each with one event", () => {
  const {forkChoice, events} = newForkChoice();
  forkChoice.updateTime(8);
  const target = addBlock(forkChoice, 1, GENESIS, 8);
  forkChoice.updateTime(15);
  addBlock(forkChoice, 2, target, 15, {unrealizedJustified: checkpoint(1, target)});
  assert.equal(forkChoice.getJustifiedCheckpoint().epoch, 0);
  assert.equal(forkChoice.getUnrealizedJustifiedCheckpoint().epoch, 1);
  forkChoice.updateTime(16);
  assert.equal(forkChoice.getJustifiedCheckpoint().epoch, 1);
  assert.equal(forkChoice.getJustifiedBlock().blockRoot, hex(target));
  assert.deepEqual(events, {justified: [1], finalized: []});
});

test("the head descends from the justified block, whatever weighs more", () => {
  const {forkChoice} = newForkChoice();
  forkChoice.updateTime(9);
  const target = addBlock(forkChoice, 1, GENESIS, 8);
  const other = addBlock(forkChoice, 2, GENESIS, 8);
  vote(forkChoice, [0, 1, 2, 3, 4, 5], other, 8, 1);
  forkChoice.updateTime(10);
  assert.equal(headOf(forkChoice), hex(other));
  const tip = addBlock(forkChoice, 3, target, 10, {justified: checkpoint(1, target)});
  assert.equal(headOf(forkChoice), hex(tip));
});

test("a branch that lags two epochs behind the justified epoch is not viable", () => {
  const {forkChoice} = newForkChoice();
  forkChoice.updateTime(8);
  const target = addBlock(forkChoice, 1, GENESIS, 8);
  forkChoice.updateTime(26);
  const fresh = addBlock(forkChoice, 2, target, 25, {justified: checkpoint(1, target)});
  const stale = addBlock(forkChoice, 3, target, 25);
  vote(forkChoice, [0], stale, 25, 3);
  assert.equal(headOf(forkChoice), hex(fresh));
});

test("prune keeps the finalized block and what is built on it", () => {
  const {forkChoice} = newForkChoice();
  forkChoice.updateTime(9);
  const kept = addBlock(forkChoice, 1, GENESIS, 8);
  const tip = addBlock(forkChoice, 2, kept, 9);
  const orphan = addBlock(forkChoice, 3, GENESIS, 9);
  const {ancestors, nonAncestors} = forkChoice.getAllAncestorAndNonAncestorBlocksDefaultStatus(hex(kept));
  assert.deepEqual(ancestors.map((block) => block.blockRoot), [kept, GENESIS].map(hex));
  assert.deepEqual(nonAncestors.map((block) => block.blockRoot), [hex(orphan)]);
  const removed = forkChoice.prune(hex(kept)).map((block) => block.blockRoot);
  assert.deepEqual(removed, [GENESIS, orphan].map(hex));
  assert.deepEqual(forkChoice.getAllNodes().map((block) => block.blockRoot), [kept, tip].map(hex));
});

test("blocks without a known parent, from the future or off the finalized chain are refused", () => {
  const {forkChoice} = newForkChoice();
  forkChoice.updateTime(9);
  const target = addBlock(forkChoice, 1, GENESIS, 8);
  addBlock(forkChoice, 2, target, 9, {justified: checkpoint(1, target), finalized: checkpoint(1, target)});
  assert.throws(() => addBlock(forkChoice, 3, root(0x33), 9), ForkChoiceError);
  assert.throws(() => addBlock(forkChoice, 4, target, 10), ForkChoiceError);
  assert.throws(() => addBlock(forkChoice, 5, GENESIS, 9), ForkChoiceError);
});

test("dependent root and reorg depth follow the chain", () => {
  const {forkChoice} = newForkChoice();
  forkChoice.updateTime(17);
  const a = addBlock(forkChoice, 1, GENESIS, 7);
  const b = addBlock(forkChoice, 2, a, 10);
  addBlock(forkChoice, 3, b, 17);
  addBlock(forkChoice, 4, b, 16);
  const [left, right] = [3, 4].map((name) => forkChoice.getBlockDefaultStatus(root(name)));
  assert.equal(forkChoice.getDependentRoot(left, 0), hex(b));
  assert.equal(forkChoice.getDependentRoot(left, 1), hex(a));
  assert.equal(forkChoice.getDependentRoot(forkChoice.getBlockDefaultStatus(a), 1), hex(GENESIS));
  assert.deepEqual(forkChoice.getCommonAncestorDepth(left, right), {code: AncestorStatus.CommonAncestor, depth: 7});
  assert.deepEqual(forkChoice.getCommonAncestorDepth(forkChoice.getBlockDefaultStatus(b), left), {
    code: AncestorStatus.Descendant,
  });
});

test("the dependent root is known even where its block is pruned", () => {
  const {forkChoice} = newForkChoice();
  forkChoice.updateTime(23);
  const dependent = addBlock(forkChoice, 1, GENESIS, 7);
  const finalized = addBlock(forkChoice, 2, dependent, 8);
  const final = checkpoint(1, finalized);
  const tip = addBlock(forkChoice, 3, finalized, 23, {justified: final, finalized: final});
  forkChoice.prune(hex(finalized));
  assert.equal(forkChoice.getDependentRoot(forkChoice.getBlockDefaultStatus(tip), 1), hex(dependent));
});
