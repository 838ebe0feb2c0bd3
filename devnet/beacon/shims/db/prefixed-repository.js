/**
 * A bucket with two-part keys, such as block root and column index; used for data columns only.
 *
 * Subclasses give encodeKeyRaw, decodeKeyRaw, getMinKeyRaw and getMaxKeyRaw, and encodeValue and decodeValue.
 */
import {BUCKET_LENGTH, encodeKey} from "./keys.js";

export class PrefixedRepository {
  constructor(config, db, bucket, type, bucketId) {
    this.config = config;
    this.db = db;
    this.bucket = bucket;
    this.type = type;
    this.bucketId = bucketId;
  }

  async getBinary(prefix, id) {
    return this.db.get(this.#key(prefix, id));
  }

  async getManyBinary(prefix, ids) {
    return Promise.all(ids.map((id) => this.getBinary(prefix, id)));
  }

  async get(prefix, id) {
    const bytes = await this.getBinary(prefix, id);
    return bytes === null ? null : this.decodeValue(bytes);
  }

  async getMany(prefix, ids) {
    return Promise.all(ids.map((id) => this.get(prefix, id)));
  }

  async put(prefix, value) {
    await this.db.put(this.#key(prefix, this.getId(value)), this.encodeValue(value));
  }

  async putMany(prefix, values) {
    for (const value of values) await this.put(prefix, value);
  }

  async putManyBinary(prefix, items) {
    await this.db.batchPut(Array.from(items, ({key, value}) => ({key: this.#key(prefix, key), value})));
  }

  async deleteMany(prefixes) {
    for (const prefix of [prefixes].flat()) {
      await this.db.batchDelete(await this.db.keys(this.#range(prefix)));
    }
  }

  async keys(options) {
    return (await this.db.keys(this.#limits(options))).map((key) => this.decodeKeyRaw(key.slice(BUCKET_LENGTH)));
  }

  async values(prefixes) {
    return (await this.valuesBinary(prefixes)).map(({value}) => this.decodeValue(value));
  }

  async *valuesStream(prefixes) {
    yield* await this.values(prefixes);
  }

  /** {prefix, id, value} of all that is stored under one prefix or several. */
  async valuesBinary(prefixes) {
    const found = [];
    for (const prefix of [prefixes].flat()) {
      for (const {key, value} of await this.db.entries(this.#range(prefix))) {
        found.push({...this.decodeKeyRaw(key.slice(BUCKET_LENGTH)), value});
      }
    }
    return found;
  }

  async *valuesStreamBinary(prefixes) {
    yield* await this.valuesBinary(prefixes);
  }

  #key(prefix, id) {
    return encodeKey(this.bucket, this.encodeKeyRaw(prefix, id));
  }

  #range(prefix) {
    return {
      gte: encodeKey(this.bucket, this.getMinKeyRaw(prefix)),
      lte: encodeKey(this.bucket, this.getMaxKeyRaw(prefix)),
    };
  }

  #limits({gt, gte, lt, lte, reverse, limit} = {}) {
    const options = {reverse, limit};
    if (lt !== undefined) options.lt = this.#key(lt.prefix, lt.id);
    else if (lte !== undefined) options.lte = this.#key(lte.prefix, lte.id);
    else options.lt = encodeKey(this.bucket + 1, Buffer.alloc(0));
    if (gt !== undefined) options.gt = this.#key(gt.prefix, gt.id);
    else if (gte !== undefined) options.gte = this.#key(gte.prefix, gte.id);
    else options.gte = encodeKey(this.bucket, Buffer.alloc(0));
    return options;
  }
}
