import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { readHtml } from '../../../operators/read/html.ts';
import { pageText } from '../../../operators/read/lib/html-text.ts';
import { markdownText } from '../../../operators/read/lib/markdown-text.ts';
import { readMarkdown } from '../../../operators/read/markdown.ts';
import { readText } from '../../../operators/read/text.ts';
import { failure, folder, read, resumesEverywhere } from './support.ts';

describe('read.text', () => {
  test('a file a document; empty, marked, compressed, named in Korean', async () => {
    const root = folder({
      'd/a.txt': '\ufeffone\r\ntwo',
      'd/b.txt': '',
      'd/c.txt.gz': gzipSync('zipped'),
      [`d/${'서울'.normalize('NFD')}.v2.txt`]: '글'.normalize('NFD'),
    });
    const got = await read(readText, root, { path: 'd' });
    expect(got.rows).toEqual([
      { doc_id: 'a.txt', title: 'a', text: 'one\r\ntwo' },
      { doc_id: 'b.txt', title: 'b', text: '' },
      { doc_id: 'c.txt', title: 'c', text: 'zipped' },
      // names are NFC, texts as they are
      { doc_id: '서울.v2.txt', title: '서울.v2', text: '글'.normalize('NFD') },
    ]);
    expect(got.progress).toBe(got.total);
  });

  test('a file that is no UTF-8 is a row error that says where', async () => {
    const root = folder({
      'a.txt': 'fine',
      'b.txt': Buffer.concat([Buffer.from('é'.repeat(5000)), Buffer.from([0xe9, 0x20])]),
      'c.txt': Buffer.from('\ufeffwide', 'utf16le'),
    });
    const got = await read(readText, root, { path: '*.txt' });
    expect(got.rows.map(r => r.doc_id)).toEqual(['a.txt']);
    expect(got.errors.map(e => [e.where, e.message])).toEqual([
      ['b.txt', 'not valid UTF-8 (first at byte 10000)'],
      ['c.txt', 'found UTF-16, wanted UTF-8'],
    ]);
  });

  test('one document in two files', async () => {
    const root = folder({ 'a.txt': 'x', 'a.txt.gz': gzipSync('x') });
    expect(await failure(read(readText, root, { path: '.' }))).toContain('two files give the document a.txt');
  });

  test('reading on from any position gives the rest exactly', async () => {
    const files = Object.fromEntries(
      Array.from({ length: 40 }, (_, i) => [`d/${i}.txt`, `text ${i} ${'x'.repeat(i)}`]),
    );
    const { whole, resumed, wanted } = await resumesEverywhere(readText, folder(files), { path: 'd' });
    expect(whole.positions.length).toBeGreaterThan(2);
    expect(whole.rows).toHaveLength(40);
    resumed.forEach((rows, i) => {
      expect(rows).toEqual(wanted[i]);
    });
  });
});

describe('read.html', () => {
  test.each([
    ['<p>a  b\n c</p><p>d</p>', 'a b c\n\nd'],
    ['<div>a<div>b</div>c</div>', 'a\nb\nc'],
    ['a<br>b<br/>c', 'a\nb\nc'],
    ['<ul><li>one<li>two</ul>after', 'one\ntwo\n\nafter'],
    ['<table><tr><th>k<th>v<tr><td>1<td>2</table>', 'k\tv\n1\t2'],
    ['x <b>bold</b>, <i>it</i>alic', 'x bold, italic'],
    ['<pre>a\n  b</pre>', 'a\n  b'],
    ['a &amp; b &lt;c&gt; &eacute; &#xC11C;', 'a & b <c> é 서'],
    ['<script>var a="<p>no</p>"</script>yes<style>p{}</style><noscript>no</noscript>', 'yes'],
    ['<nav><ul><li>Home</ul></nav>text<footer>c</footer><aside>ad</aside>', 'text'],
    ['<img alt="a picture"> of <svg><title>t</title><text>no</text></svg>it', 'a picture of it'],
    ['<p>open <b>tags', 'open tags'],
    ['<!-- no -->text', 'text'],
    ['', ''],
  ])('%j', (html, wanted) => {
    expect(pageText(html).text).toBe(wanted);
  });

  test('titles, furniture', () => {
    expect(pageText('<head><title> A\n B </title><meta charset=utf-8></head><body><h1>H</h1>').title).toBe(
      'A B',
    );
    expect(pageText('<h1>On <i>ants</i></h1><h1>more</h1>').title).toBe('On ants');
    expect(pageText('<p>none').title).toBe(null);
    expect(pageText('<nav>Home</nav><p>x', true).text).toBe('Home\n\nx');
  });

  test('charsets', async () => {
    // "서울" in EUC-KR
    const euckr = Buffer.concat([
      Buffer.from('<meta charset="euc-kr"><p>'),
      Buffer.from([0xbc, 0xad, 0xbf, 0xef]),
    ]);
    const root = folder({
      'a.html': euckr,
      'b.html': Buffer.concat([Buffer.from('<p>'), Buffer.from([0xbc, 0xad])]),
      'c.html': Buffer.concat([Buffer.from('<meta charset=klingon><p>'), Buffer.from([0xbc, 0xad])]),
    });
    const got = await read(readHtml, root, { path: '.' });
    expect(got.rows).toEqual([{ doc_id: 'a.html', title: 'a', text: '서울' }]);
    expect(got.errors.map(e => e.message)).toEqual([
      'not valid UTF-8, and the page names no charset',
      'not valid UTF-8, and its charset "klingon" is not known',
    ]);
  });
});

describe('read.markdown', () => {
  const text = (source: string): string =>
    markdownText(source)
      .sections.map(s => s.text)
      .join('\n\n');
  test.each([
    ['a *b* **c** `d` [e](http://x) ![f](y)', 'a b c d e f'],
    ['- one\n- two\n  - three', 'one\ntwo\nthree'],
    ['1. one\n2. two', 'one\ntwo'],
    ['| a | b |\n|---|---|\n| 1 | *2* |', 'a\tb\n1\t2'],
    ['```js\nlet a = 1 < 2;\n```', 'let a = 1 < 2;'],
    ['> quoted\n> lines', 'quoted\nlines'],
    ['a & b < c', 'a & b < c'],
    ['line  \nbreak', 'line\nbreak'],
    ['<div>html <b>x</b></div>\n\nafter', 'html x\n\nafter'],
    ['a \\* b', 'a * b'],
  ])('%j', (source, wanted) => {
    expect(text(source)).toBe(wanted);
  });

  test('front matter, and rules that are none', () => {
    expect(markdownText('---\ntitle: "T: x"\ntags: [a]\n---\n# H\n').title).toBe('T: x');
    expect(markdownText('# H\n\nx').title).toBe('H');
    expect(text('---\n\nnot matter\n\n---\n\nx')).toBe('not matter\n\nx');
    expect(() => markdownText('---\ntitle: [\n---\nx')).toThrow('the front matter is not YAML');
  });

  test('a document a section', async () => {
    const root = folder({
      'g/a.md':
        'Before.\n\n# Guide\n\nIntro.\n\n## Install\n\nRun it.\n\n### Linux\n\nHere.\n\n## Use\n\nSo.\n',
      'g/b.md': 'no heading',
      'g/c.md': '---\ntitle: [\n---\n',
    });
    const got = await read(readMarkdown, root, { path: 'g', split: 'heading' });
    expect(got.rows).toEqual([
      { doc_id: 'a.md#0', title: 'Guide', text: 'Before.' },
      { doc_id: 'a.md#1', title: 'Guide', text: 'Guide\n\nIntro.' },
      { doc_id: 'a.md#2', title: 'Guide > Install', text: 'Install\n\nRun it.\n\nLinux\n\nHere.' },
      { doc_id: 'a.md#3', title: 'Guide > Use', text: 'Use\n\nSo.' },
      { doc_id: 'b.md#0', title: 'b', text: 'no heading' },
    ]);
    expect(got.errors.map(e => e.where)).toEqual(['g/c.md']);
  });
});
