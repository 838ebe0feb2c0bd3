// js-libp2p takes "no signature" to mean "no author and no number", SSV nodes do not: they name the author and number
// their messages without signing them. One module of the library is loaded with that changed; its file stays as it is.
import { registerHooks } from "node:module";

const WHERE = /@libp2p\/gossipsub\/dist\/src\/utils\/buildRawMessage\.js$/;
const CHANGES = [
  [/from: undefined,(\s*)data: transformedData,(\s*)seqno: undefined,/, "from: globalThis.ssvAuthor,$1data: transformedData,$2seqno: nextSeqno(),"],
  [/if \(msg\.seqno != null\)/, "if (msg.seqno == null || msg.from == null)"],
];

export function nameAuthors(author) {
  globalThis.ssvAuthor = author;
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context);
      if (!WHERE.test(url)) return loaded;
      let source = loaded.source.toString();
      for (const [from, to] of CHANGES) {
        if (!from.test(source)) throw new Error(`${url} has changed: no ${from}`);
        source = source.replace(from, to);
      }
      return { ...loaded, source };
    },
  });
}
