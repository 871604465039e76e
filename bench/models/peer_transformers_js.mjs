// Encodes texts with transformers.js in batches of 32 as they come, cut where the others cut them:
// node peer_transformers_js.mjs PACKAGES FOLDER TEXTS.json OUT.f32 MAX_TOKENS. A line on stdin asks for another run.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const [packages, folder, textsFile, out, limit] = process.argv.slice(2);
const require = createRequire(`${packages}/package.json`);
const { env, mean_pooling, pipeline } = await import(
  pathToFileURL(require.resolve('@huggingface/transformers')).href
);
env.allowRemoteModels = false;
env.localModelPath = dirname(folder);
const extractor = await pipeline('feature-extraction', basename(folder), {
  dtype: 'fp32',
  device: 'cpu',
  session_options: { intraOpNumThreads: 1, interOpNumThreads: 1 },
});
const texts = JSON.parse(readFileSync(textsFile, 'utf8'));
const encode = async () => {
  const all = new Float32Array(texts.length * 384);
  for (let at = 0; at < texts.length; at += 32) {
    // as its extractor does it, which cuts at the tokenizer's 512 and knows the output by another name than some exports
    const inputs = extractor.tokenizer(texts.slice(at, at + 32), {
      padding: true,
      truncation: true,
      max_length: Number(limit),
    });
    const outputs = await extractor.model(inputs);
    const hidden = outputs.last_hidden_state ?? outputs.output_0;
    all.set(mean_pooling(hidden, inputs.attention_mask).normalize(2, -1).data, at * 384);
  }
  return all;
};
writeFileSync(out, new Uint8Array((await encode()).buffer));
console.log(JSON.stringify({ version: env.version }));
for await (const _ of createInterface({ input: process.stdin })) {
  const start = performance.now();
  const before = process.cpuUsage();
  await encode();
  const { user, system } = process.cpuUsage(before);
  console.log(JSON.stringify({ ms: performance.now() - start, cpuMs: (user + system) / 1000 }));
}
