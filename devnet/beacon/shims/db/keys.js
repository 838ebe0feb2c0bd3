/** Keys: one byte for the bucket, then the id. Numbers are big endian, so that byte order is number order. */

export const BUCKET_LENGTH = 1;
const NUMBER_LENGTH = 8;

export function encodeKey(bucket, id) {
  return Buffer.concat([Buffer.from([bucket]), idBytes(id)]);
}

function idBytes(id) {
  if (typeof id === "number" || typeof id === "bigint") return encodeNumberForDbKey(id, NUMBER_LENGTH);
  return Buffer.from(id);
}

export function encodeNumberForDbKey(value, length) {
  return Buffer.from(BigInt(value).toString(16).padStart(length * 2, "0"), "hex");
}

export function decodeNumberForDbKey(bytes, length) {
  return Number(BigInt("0x" + Buffer.from(bytes.slice(0, length)).toString("hex")));
}
