// /ssv/info/0.0.1: a signed envelope each way, without a length; a side closes its half when it has written.
import { RecordEnvelope } from "@libp2p/peer-record";

export const PROTOCOL = "/ssv/info/0.0.1";
const DOMAIN = "ssv";
const CODEC = new TextEncoder().encode("ssv/nodeinfo");

export function seal(privateKey, info) {
  const metadata = { NodeVersion: "js-peer", ExecutionNode: "", ConsensusNode: "", Subnets: info.subnets };
  const payload = new TextEncoder().encode(JSON.stringify({ Entries: ["", info.domain, JSON.stringify(metadata)] }));
  const record = { domain: DOMAIN, codec: CODEC, marshal: () => payload, equals: () => false };
  return RecordEnvelope.seal(record, privateKey).then((envelope) => envelope.marshal());
}

export async function open(bytes) {
  const envelope = await RecordEnvelope.openAndCertify(bytes, DOMAIN);
  if (!Buffer.from(envelope.payloadType).equals(CODEC)) throw new Error("another type of payload");
  const [, domain, metadata] = JSON.parse(new TextDecoder().decode(envelope.payload)).Entries;
  return { key: Buffer.from(envelope.publicKey.raw).toString("hex"), domain, ...JSON.parse(metadata) };
}

export async function readAll(stream) {
  const parts = [];
  for await (const chunk of stream) parts.push(chunk.subarray());
  return Buffer.concat(parts);
}
