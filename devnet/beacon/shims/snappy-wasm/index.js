/** Gossip compression of `@chainsafe/snappy-wasm`, which npm lacks. Made at import, never used: there is no gossip. */
const refuse = () => {
  throw new Error("The devnet's beacon node has no gossip, hence no snappy");
};

class Encoder {
  compress_into = refuse;
}

class Decoder {
  decompress_into = refuse;
}

export default {Encoder, Decoder, max_compress_len: refuse, decompress_len: refuse};
