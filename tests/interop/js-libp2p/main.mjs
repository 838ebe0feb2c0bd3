// A libp2p node with gossip on 127.0.0.1, driven by lines of JSON: requests on standard input, answers on standard output.
//
//   node main.mjs yamux|mplex
//
// The first line out is {"address": …}. A request is {"id": n, "do": name, …}, its answer {"id": n, "result": …} or
// {"id": n, "error": text}. The process ends with its standard input.
import { createHash } from "node:crypto";
import { createInterface } from "node:readline";
import { generateKeyPair } from "@libp2p/crypto/keys";
import { nameAuthors } from "./as-ssv.mjs";
import { PROTOCOL, open, readAll, seal } from "./handshake.mjs";

const privateKey = await generateKeyPair("secp256k1");
nameAuthors(privateKey.publicKey.toMultihash().bytes);

const { createLibp2p } = await import("libp2p");
const { gossipsub } = await import("@libp2p/gossipsub");
const { identify } = await import("@libp2p/identify");
const { mplex } = await import("@libp2p/mplex");
const { noise } = await import("@chainsafe/libp2p-noise");
const { peerIdFromString } = await import("@libp2p/peer-id");
const { ping } = await import("@libp2p/ping");
const { tcp } = await import("@libp2p/tcp");
const { yamux } = await import("@chainsafe/libp2p-yamux");
const { multiaddr } = await import("@multiformats/multiaddr");
const { h64Raw } = await (await import("xxhash-wasm")).default();

// the network's message id: XXH64 of the data, little-endian, and four zeros
function messageId({ data }) {
  const id = new Uint8Array(12);
  new DataView(id.buffer).setBigUint64(0, h64Raw(data), true);
  return id;
}

const node = await createLibp2p({
  privateKey,
  addresses: { listen: ["/ip4/127.0.0.1/tcp/0"] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [process.argv[2] === "mplex" ? mplex({ maxMsgSize: 4 << 20 }) : yamux()],
  services: {
    identify: identify(),
    ping: ping(),
    pubsub: gossipsub({
      globalSignaturePolicy: "StrictNoSign",
      msgIdFn: messageId,
      allowPublishToZeroTopicPeers: true,
      heartbeatInterval: 700,
      emitSelf: false,
    }),
  },
});
const { pubsub } = node.services;
const received = [];
pubsub.addEventListener("gossipsub:message", ({ detail }) => {
  received.push(createHash("sha256").update(detail.msg.data).digest("hex"));
});

let info = null;
const told = {};
await node.handle(PROTOCOL, async (stream, connection) => {
  const theirs = await readAll(stream);
  if (info === null) return stream.abort(new Error("nothing to tell"));
  stream.send(await seal(privateKey, info));
  await stream.close();
  told[connection.remotePeer.toString()] = await open(theirs);
});

const actions = {
  // what it says of itself from now on: {domain: "0x…", subnets: "32 hex digits"}
  become: (own) => {
    info = own;
  },
  dial: async ({ address }) => {
    const connection = await node.dial(multiaddr(address));
    return { muxer: connection.multiplexer, security: connection.encryption };
  },
  greet: async ({ address }) => {
    const stream = await node.dialProtocol(multiaddr(address), PROTOCOL);
    stream.send(await seal(privateKey, info));
    await stream.close();
    return await open(await readAll(stream));
  },
  told: () => told,
  ping: async ({ address }) => await node.services.ping.ping(multiaddr(address)),
  protocols: async ({ peer }) => (await node.peerStore.get(peerIdFromString(peer))).protocols,
  subscribe: ({ topic }) => pubsub.subscribe(topic),
  mesh: ({ topic }) => pubsub.getMeshPeers(topic),
  score: ({ peer }) => pubsub.score.score(peer),
  publish: async ({ topic, data }) => {
    for (const each of data) await pubsub.publish(topic, Buffer.from(each, "base64"));
  },
  received: () => received,
  peers: () => node.getPeers().map(String),
};

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
say({ address: node.getMultiaddrs()[0].toString() });
for await (const line of createInterface({ input: process.stdin })) {
  const { id, do: action, ...args } = JSON.parse(line);
  // requests may overlap: the answer carries the id
  Promise.resolve()
    .then(() => actions[action](args))
    .then((result) => say({ id, result: result ?? null }))
    .catch((error) => say({ id, error: String(error?.stack ?? error) }));
}
await node.stop();
process.exit(0);
