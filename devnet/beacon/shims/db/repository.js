/** One bucket of the store, with values of an SSZ type. The default id is the value's hash tree root. */
import {BinaryRepository} from "./binary-repository.js";

export class Repository extends BinaryRepository {
  constructor(config, db, bucket, type, bucketId) {
    super(config, db, bucket, bucketId);
    this.type = type;
  }

  encodeValue(value) {
    return this.type.serialize(value);
  }

  decodeValue(bytes) {
    return this.type.deserialize(bytes);
  }

  getId(value) {
    return this.type.hashTreeRoot(value);
  }

  async get(id) {
    const bytes = await this.getBinary(id);
    return bytes === null ? null : this.decodeValue(bytes);
  }

  async put(id, value) {
    await this.putBinary(id, this.encodeValue(value));
  }

  async add(value) {
    await this.put(this.getId(value), value);
  }

  async remove(value) {
    await this.delete(this.getId(value));
  }

  /** Goes past batchPutBinary, which subclasses give another meaning. */
  async batchPut(items) {
    await this.db.batchPut(
      Array.from(items, ({key, value}) => ({key: this.encodeKey(key), value: this.encodeValue(value)}))
    );
  }

  async batchAdd(values) {
    await this.batchPut(Array.from(values, (value) => ({key: this.getId(value), value})));
  }

  async batchRemove(values) {
    await this.batchDelete(Array.from(values, (value) => this.getId(value)));
  }

  async values(options) {
    return (await this.binaries(options)).map((bytes) => this.decodeValue(bytes));
  }

  async *valuesStream(options) {
    for (const bytes of await this.binaries(options)) yield this.decodeValue(bytes);
  }

  async entries(options) {
    const entries = await this.db.entries(this.dbFilterOptions(options));
    return entries.map(({key, value}) => ({key: this.decodeKey(key), value: this.decodeValue(value)}));
  }

  async *entriesStream(options) {
    yield* await this.entries(options);
  }
}
