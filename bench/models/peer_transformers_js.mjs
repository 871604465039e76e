// Encodes texts with transformers.js in batches of 32: node peer_transformers_js.mjs FOLDER TEXTS.json OUT.f32 REPEATS
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname } from 'node:path';
import { pathToFileURL } from 'node:url';

const [packages, folder, textsFile, out, repeats] = process.argv.slice(2);
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
    // as its extractor does it, which knows the output by another name than some exports give it
    const inputs = extractor.tokenizer(texts.slice(at, at + 32), { padding: true, truncation: true });
    const outputs = await extractor.model(inputs);
    const hidden = outputs.last_hidden_state ?? outputs.output_0;
    all.set(mean_pooling(hidden, inputs.attention_mask).normalize(2, -1).data, at * 384);
  }
  return all;
};
const seconds = [];
let vectors;
for (let repeat = 0; repeat <= Number(repeats); repeat++) {
  const start = performance.now();
  vectors = await encode();
  if (repeat > 0) seconds.push((performance.now() - start) / 1000);
}
writeFileSync(out, new Uint8Array(vectors.buffer));
console.log(JSON.stringify({ seconds }));
