/** `@chainsafe/libp2p-quic`, of which npm has a part only. The devnet's beacon node has no peer-to-peer network. */
export function quic() {
  throw new Error("The devnet's beacon node has no peer-to-peer network");
}
