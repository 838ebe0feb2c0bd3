// Compiles every contract of a folder: node compile.mjs OUTPUT_FOLDER [SOURCE_FOLDER]
// Writes OUTPUT_FOLDER/<Contract>.json = {abi, bytecode}; sources may not import. Warnings are printed;
// an error exits 1 and leaves the output folder as it was.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

function fail(sentence) {
  console.error(sentence);
  process.exit(1);
}

const [outputFolder, sourceFolder = fileURLToPath(new URL("contracts", import.meta.url))] = process.argv.slice(2);
if (!outputFolder) fail("Usage: node compile.mjs OUTPUT_FOLDER [SOURCE_FOLDER]");

const solc = await import("solc").then(
  (module) => module.default,
  (error) => {
    if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
    fail("The Solidity compiler is not installed: run `make setup`.");
  },
);

let names;
try {
  names = readdirSync(sourceFolder).filter((name) => name.endsWith(".sol"));
} catch (error) {
  fail(`Cannot read the contracts in ${sourceFolder}: ${error.message}`);
}
if (names.length === 0) fail(`No .sol file in ${sourceFolder}.`);
const sources = Object.fromEntries(
  names.map((name) => [name, { content: readFileSync(join(sourceFolder, name), "utf8") }]),
);

const output = JSON.parse(
  solc.compile(
    JSON.stringify({
      language: "Solidity",
      sources,
      settings: {
        optimizer: { enabled: true, runs: 200 },
        evmVersion: "prague", // not newer than anvil's default hard fork
        outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } },
      },
    }),
  ),
);

const diagnostics = output.errors ?? [];
for (const { formattedMessage } of diagnostics) console.error(formattedMessage);
const errorCount = diagnostics.filter(({ severity }) => severity === "error").length;
if (errorCount > 0) fail(`Solidity found ${errorCount} error(s) in ${sourceFolder}; nothing was written.`);

mkdirSync(outputFolder, { recursive: true });
for (const contracts of Object.values(output.contracts)) {
  for (const [name, { abi, evm }] of Object.entries(contracts)) {
    const artifact = { abi, bytecode: `0x${evm.bytecode.object}` };
    writeFileSync(join(outputFolder, `${name}.json`), `${JSON.stringify(artifact, null, 2)}\n`);
    console.log(`${name}: ${evm.bytecode.object.length / 2} bytes of code`);
  }
}
