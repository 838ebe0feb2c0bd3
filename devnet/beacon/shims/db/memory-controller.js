/**
 * The store itself: a Map from key to bytes.
 *
 * Keys are held as hex strings, whose order is the order of the bytes. Range queries sort the keys that match;
 * they are rare here (once per finalized epoch).
 */
const toHex = (key) => Buffer.from(key).toString("hex");

export class LevelDbController {
  #values = new Map();

  async close() {}

  async clear() {
    this.#values.clear();
  }

  setMetrics() {}

  async get(key) {
    return this.#values.get(toHex(key)) ?? null;
  }

  async getMany(keys) {
    return keys.map((key) => this.#values.get(toHex(key)));
  }

  /** Copies the value: callers reuse their buffers. */
  async put(key, value) {
    this.#values.set(toHex(key), Uint8Array.from(value));
  }

  async delete(key) {
    this.#values.delete(toHex(key));
  }

  async batchPut(items) {
    for (const {key, value} of items) await this.put(key, value);
  }

  async batchDelete(keys) {
    for (const key of keys) await this.delete(key);
  }

  async keys(options) {
    return this.#select(options).map((hex) => Buffer.from(hex, "hex"));
  }

  async values(options) {
    return this.#select(options).map((hex) => this.#values.get(hex));
  }

  async entries(options) {
    return this.#select(options).map((hex) => ({key: Buffer.from(hex, "hex"), value: this.#values.get(hex)}));
  }

  async *keysStream(options) {
    yield* await this.keys(options);
  }

  async *valuesStream(options) {
    yield* await this.values(options);
  }

  async *entriesStream(options) {
    yield* await this.entries(options);
  }

  /** Hex keys within gt/gte/lt/lte, in order (or backwards with `reverse`), at most `limit`. */
  #select({gt, gte, lt, lte, reverse, limit} = {}) {
    const tests = [];
    if (gt) tests.push((key) => key > toHex(gt));
    if (gte) tests.push((key) => key >= toHex(gte));
    if (lt) tests.push((key) => key < toHex(lt));
    if (lte) tests.push((key) => key <= toHex(lte));
    const keys = [...this.#values.keys()].filter((key) => tests.every((test) => test(key))).sort();
    if (reverse) keys.reverse();
    return limit === undefined ? keys : keys.slice(0, limit);
  }
}
