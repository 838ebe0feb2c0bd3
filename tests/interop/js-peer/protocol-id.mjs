// The library fixes the protocol id "discv5" in two of its modules. SSV nodes say "ssvdv5", so those two are loaded
// with another constant; the installed files stay as they are.
import { registerHooks } from "node:module";

const WHERE = /@chainsafe\/discv5\/lib\/packet\/(create|encode)\.js$/;

export function setProtocolId(protocolId) {
  if (protocolId === "discv5") return;
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context);
      if (!WHERE.test(url)) return loaded;
      const source = loaded.source.toString();
      if (!source.includes('"discv5"')) throw new Error(`no protocol id in ${url}`);
      return { ...loaded, source: source.replaceAll('"discv5"', JSON.stringify(protocolId)) };
    },
  });
}
