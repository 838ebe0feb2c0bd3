/**
 * The tree of known blocks, from the finalized one on.
 *
 * A block is a plain object; `blockRoot`, `parentRoot` (hex strings) and `slot` make the tree, the other
 * fields are carried for beacon-node. A child's slot is always higher than its parent's.
 * Everything is walked afresh: a devnet holds some tens of blocks between two finalized checkpoints.
 */
export class BlockTree {
  #blocks = new Map();
  #children = new Map();

  get size() {
    return this.#blocks.size;
  }

  add(block) {
    this.#blocks.set(block.blockRoot, block);
    const siblings = this.#children.get(block.parentRoot);
    if (siblings) siblings.push(block);
    else this.#children.set(block.parentRoot, [block]);
  }

  get(root) {
    return this.#blocks.get(root);
  }

  has(root) {
    return this.#blocks.has(root);
  }

  children(root) {
    return this.#children.get(root) ?? [];
  }

  /** All blocks, lowest slot first: parents come before their children. */
  bySlot() {
    return [...this.#blocks.values()].sort((a, b) => a.slot - b.slot);
  }

  leaves() {
    return [...this.#blocks.values()].filter((block) => this.children(block.blockRoot).length === 0);
  }

  /** The block of `root`, its parent, and so on, as far as the tree reaches. */
  *chain(root) {
    for (let block = this.get(root); block; block = this.get(block.parentRoot)) yield block;
  }

  /** The last block at or before `slot` on the chain that ends in `root`; undefined if the tree starts later. */
  ancestorAtOrBefore(root, slot) {
    for (const block of this.chain(root)) if (block.slot <= slot) return block;
    return undefined;
  }

  /** Whether `ancestor` is on the chain that ends in `root`; a block counts as its own descendant. */
  isDescendant(ancestor, root) {
    const block = this.get(ancestor);
    return block !== undefined && this.ancestorAtOrBefore(root, block.slot) === block;
  }

  /** Splits the blocks that do not descend from `root` into those before it and those that conflict with it. */
  split(root) {
    const ancestors = [...this.chain(root)].slice(1);
    const before = new Set(ancestors);
    const conflicting = this.bySlot().filter((block) => !before.has(block) && !this.isDescendant(root, block.blockRoot));
    return {ancestors, conflicting};
  }

  /** Keeps `root` and its descendants; returns what was removed. */
  prune(root) {
    if (!this.has(root)) return [];
    const {ancestors, conflicting} = this.split(root);
    const removed = new Set([...ancestors, ...conflicting]);
    const kept = this.bySlot().filter((block) => !removed.has(block));
    this.#blocks.clear();
    this.#children.clear();
    for (const block of kept) this.add(block);
    return [...removed];
  }
}

/** The tree under the name and with the three methods by which beacon-node builds it from an anchor. */
export class ProtoArray extends BlockTree {
  static initialize(anchor, _currentSlot) {
    const tree = new ProtoArray();
    tree.add({...anchor, targetRoot: anchor.targetRoot ?? anchor.blockRoot});
    return tree;
  }

  onBlock(block, _currentSlot, _proposerBoostRoot) {
    this.add(block);
  }

  length() {
    return this.size;
  }
}
