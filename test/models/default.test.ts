import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { infoModel, resolveModel, verifyModel } from '../../src/models/catalogue.ts';
import { embeddedFolder, embeddedNames } from '../../src/models/embedded.ts';
import { type Encoder, openEncoder } from '../../src/models/encoder.ts';

const corpora: Record<string, { passages: string[]; questions: [string, number][] }> = {
  default: {
    passages: [
      'The Amazon is the largest river by discharge of water in the world, and flows through Brazil and Peru.',
      'Photosynthesis is the process by which plants turn sunlight, water and carbon dioxide into sugar and oxygen.',
      'The central bank raised interest rates to slow inflation and protect the currency.',
      'Beethoven wrote nine symphonies, and was deaf when the last was first performed in Vienna.',
      'Vaccines train the immune system to recognise a virus before an infection.',
      'The glacier retreated as average temperatures in the mountains rose.',
    ],
    questions: [
      ['which stream carries the most water?', 0],
      ['how do green plants make their food from light?', 1],
      ['monetary policy against rising prices', 2],
      ['a composer who could not hear his own music', 3],
      ['protection against disease by immunisation', 4],
      ['melting ice and a warming climate', 5],
    ],
  },
  korean: {
    passages: [
      '아마존강은 세계에서 유량이 가장 많은 강으로 브라질과 페루를 흐른다.',
      '광합성은 식물이 햇빛과 물, 이산화탄소로 당과 산소를 만드는 과정이다.',
      '중앙은행은 물가 상승을 막기 위해 기준금리를 올렸다.',
      '베토벤은 아홉 개의 교향곡을 작곡하였으며 말년에는 귀가 들리지 않았다.',
      '백신은 감염되기 전에 면역계가 바이러스를 알아보도록 훈련시킨다.',
    ],
    questions: [
      ['물이 가장 많이 흐르는 하천은 어디인가?', 0],
      ['식물은 빛으로 어떻게 양분을 만드는가', 1],
      ['인플레이션에 대한 금리 정책', 2],
      ['청력을 잃은 음악가', 3],
      ['질병을 예방하는 예방 접종', 4],
    ],
  },
};

describe.each(embeddedNames())('the embedded encoder "%s"', name => {
  let encoder: Encoder;
  beforeAll(async () => {
    encoder = await openEncoder((await resolveModel(name)).folder);
  });
  afterAll(() => encoder.close());

  it('is whole, and describes itself', async () => {
    expect(await verifyModel(name)).toEqual(
      ['encoder.json', 'model.onnx', 'tokenizer.json'].map(path => ({ path, ok: true, problem: undefined })),
    );
    const info = await infoModel(name);
    expect(info.folder).toBe(embeddedFolder(name));
    expect(info.encoder).toMatchObject({ name, pooling: 'none', normalize: true, specials: false });
    expect(info.files.map(file => file.path)).toContain('README.md');
  });

  it('finds what a question means, without its words', async () => {
    const { passages, questions } = corpora[name];
    const p = await encoder.encode(passages);
    const q = await encoder.encode(
      questions.map(([text]) => text),
      { side: 'query' },
    );
    const d = encoder.dimension;
    const right = questions.filter(([, gold], i) => {
      const scores = passages.map((_, j) =>
        p.vectors.subarray(j * d, (j + 1) * d).reduce((sum, x, c) => sum + x * q.vectors[i * d + c], 0),
      );
      return scores.indexOf(Math.max(...scores)) === gold;
    });
    expect(right.length).toBeGreaterThanOrEqual(questions.length - 1);
  });

  it('gives unit vectors, zeros for an empty text, and cuts only what is very long', async () => {
    const { vectors, dimension, cutRows } = await encoder.encode(['a word', '', 'word '.repeat(9000)]);
    const norms = [0, 1, 2].map(r => Math.hypot(...vectors.subarray(r * dimension, (r + 1) * dimension)));
    expect(norms[0]).toBeCloseTo(1, 5);
    expect(norms[1]).toBe(0);
    expect(norms[2]).toBeCloseTo(1, 5);
    expect(cutRows).toBe(1);
  });
});
