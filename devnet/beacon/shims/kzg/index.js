/**
 * `@crate-crypto/node-eth-kzg`, whose wanted version npm lacks.
 *
 * beacon-node makes a context at import; it computes only for blobs, and the devnet's blocks have none. So the
 * context exists and every use of it is an error.
 */
export class DasContextJs {
  static create() {
    return new Proxy(new DasContextJs(), {
      get: (_context, name) => () => {
        throw new Error(`The devnet's beacon node has no KZG library: ${String(name)} was called`);
      },
    });
  }
}
