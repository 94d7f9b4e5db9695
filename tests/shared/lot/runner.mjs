// Runs the script of shared/lot/verify.html in Node, as it stands in the page: one JSON request a line on stdin, one
// answer a line on stdout. `node runner.mjs PAGE [hand]`; "hand" verifies signatures without WebCrypto.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { runInThisContext } from "node:vm";

const page = readFileSync(process.argv[2], "utf8");
globalThis.blocks = {};
for (const [, id, text] of page.matchAll(/<script type="application\/json" id="(\w+)">(.*?)<\/script>/gs)) {
  globalThis.blocks[id] = text;
}
runInThisContext(page.match(/<script>(.*?)<\/script>/s)[1], { filename: "verify.html" });
if (process.argv[3] === "hand") trozalog.webCrypto.working = Promise.resolve(false);

const bytes = (text) => new Uint8Array(Buffer.from(text, "base64"));
const reason = (refusal) => refusal.facts.reason; // anything but a refusal throws here

async function answer(request) {
  if ("bundle" in request) {
    return trozalog.reportText(await trozalog.verify(bytes(request.bundle), bytes(request.policy)));
  }
  if ("document" in request) {
    try {
      trozalog.decode(bytes(request.document), 16384, 8);
      return '""';
    } catch (refusal) {
      return JSON.stringify(reason(refusal));
    }
  }
  const { key, signature, message } = request;
  const found = trozalog.verifyEd25519(bytes(key), bytes(signature), bytes(message)).catch(reason);
  return JSON.stringify(await found);
}

for await (const line of createInterface({ input: process.stdin })) {
  let said;
  try {
    said = `{"answer":${await answer(JSON.parse(line))}}`;
  } catch (error) {
    said = JSON.stringify({ crash: String(error && error.stack) });
  }
  process.stdout.write(said + "\n");
}
