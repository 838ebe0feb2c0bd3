// A discv5 node on 127.0.0.1, driven by lines of JSON: requests on standard input, answers on standard output.
//
//   node main.mjs [protocol id]
//
// The first line out is {"enr": …}. A request is {"id": n, "do": name, …}, its answer {"id": n, "result": …} or
// {"id": n, "error": text}. The process ends with its standard input.
import { createInterface } from "node:readline";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { setProtocolId } from "./protocol-id.mjs";

setProtocolId(process.argv[2] ?? "discv5");

const { Discv5 } = await import("@chainsafe/discv5");
const { ENR, SignableENR } = await import("@chainsafe/enr");
const { generateKeyPair } = await import("@libp2p/crypto/keys");
const { multiaddr } = await import("@multiformats/multiaddr");

async function freePort() {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  await once(socket, "close");
  return port;
}

const privateKey = await generateKeyPair("secp256k1");
const port = await freePort();
const enr = SignableENR.createFromPrivateKey(privateKey);
enr.ip = "127.0.0.1";
enr.udp = port;
enr.set("subnets", new Uint8Array(16).fill(0x0f));

const node = Discv5.create({
  enr,
  privateKey,
  bindAddrs: { ip4: multiaddr(`/ip4/127.0.0.1/udp/${port}`) },
  config: { enrUpdate: false },
});
const talks = [];
node.on("talkReqReceived", (from, _, message) => {
  talks.push(Buffer.from(message.request).toString("hex"));
  node.sendTalkResp(from, message.id, Buffer.concat([Buffer.from("js:"), message.request]));
});
await node.start();

const hex = (bytes) => (bytes === undefined ? null : Buffer.from(bytes).toString("hex"));
const actions = {
  // what this library reads in a record of ours
  decode: ({ text }) => {
    const record = ENR.decodeTxt(text);
    return {
      nodeId: record.nodeId,
      seq: Number(record.seq),
      ip: record.ip,
      udp: record.udp,
      tcp: record.tcp,
      subnets: hex(record.kvs.get("subnets")),
      ssv: hex(record.kvs.get("ssv")),
      domaintype: hex(record.kvs.get("domaintype")),
    };
  },
  ping: async ({ text }) => {
    const pong = await node.sendPing(ENR.decodeTxt(text));
    return { enrSeq: Number(pong.enrSeq), port: pong.addr.port };
  },
  findNode: async ({ text, distances }) =>
    (await node.sendFindNode(ENR.decodeTxt(text), distances)).map((record) => record.encodeTxt()),
  talk: async ({ text, protocol, request }) =>
    hex(await node.sendTalkReq(ENR.decodeTxt(text), Buffer.from(request, "hex"), protocol)),
  add: ({ text }) => node.addEnr(text),
  lookup: async () => (await node.findRandomNode()).map((record) => record.encodeTxt()),
  table: () => node.kadValues().map((record) => record.encodeTxt()),
  talks: () => talks,
};

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
say({ enr: enr.encodeTxt() });
for await (const line of createInterface({ input: process.stdin })) {
  const { id, do: action, ...args } = JSON.parse(line);
  // requests may overlap: the answer carries the id
  Promise.resolve()
    .then(() => actions[action](args))
    .then((result) => say({ id, result: result ?? null }))
    .catch((error) => say({ id, error: String(error?.message ?? error) }));
}
await node.stop();
process.exit(0);
