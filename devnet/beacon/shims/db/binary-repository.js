/** One bucket of the store, with values as bytes. Subclasses in beacon-node override encodeKey and decodeKey. */
import {BUCKET_LENGTH, encodeKey} from "./keys.js";

export class BinaryRepository {
  constructor(config, db, bucket, bucketId) {
    this.config = config;
    this.db = db;
    this.bucket = bucket;
    this.bucketId = bucketId;
    this.minKey = encodeKey(bucket, Buffer.alloc(0));
    this.maxKey = encodeKey(bucket + 1, Buffer.alloc(0));
  }

  encodeKey(id) {
    return encodeKey(this.bucket, id);
  }

  decodeKey(key) {
    return key.slice(BUCKET_LENGTH);
  }

  async has(id) {
    return (await this.getBinary(id)) !== null;
  }

  async getBinary(id) {
    return this.db.get(this.encodeKey(id));
  }

  async putBinary(id, value) {
    await this.db.put(this.encodeKey(id), value);
  }

  async delete(id) {
    await this.db.delete(this.encodeKey(id));
  }

  async batchPutBinary(items) {
    await this.db.batchPut(Array.from(items, ({key, value}) => ({key: this.encodeKey(key), value})));
  }

  async batchDelete(ids) {
    await this.db.batchDelete(Array.from(ids, (id) => this.encodeKey(id)));
  }

  async keys(options) {
    return (await this.db.keys(this.dbFilterOptions(options))).map((key) => this.decodeKey(key));
  }

  async *keysStream(options) {
    yield* await this.keys(options);
  }

  async binaries(options) {
    return this.db.values(this.dbFilterOptions(options));
  }

  async *binaryEntriesStream(options) {
    yield* await this.db.entries(this.dbFilterOptions(options));
  }

  async firstKey() {
    return (await this.keys({limit: 1}))[0] ?? null;
  }

  async lastKey() {
    return (await this.keys({limit: 1, reverse: true}))[0] ?? null;
  }

  async firstBinary() {
    return (await this.binaries({limit: 1}))[0] ?? null;
  }

  async lastBinary() {
    return (await this.binaries({limit: 1, reverse: true}))[0] ?? null;
  }

  /** The caller's limits as keys; where it gives none, the ends of the bucket. */
  dbFilterOptions({gt, gte, lt, lte, reverse, limit} = {}) {
    const options = {reverse, limit};
    if (lt !== undefined) options.lt = this.encodeKey(lt);
    else if (lte !== undefined) options.lte = this.encodeKey(lte);
    else options.lt = this.maxKey;
    if (gt !== undefined) options.gt = this.encodeKey(gt);
    else if (gte !== undefined) options.gte = this.encodeKey(gte);
    else options.gte = this.minKey;
    return options;
  }
}
