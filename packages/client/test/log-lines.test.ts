import { expect, test } from '@jest/globals';
import { linesOf } from '../src/logs/lines.ts';
import type { LogRecord } from '../src/logs/record.ts';

const at = '2026-01-02T03:04:05.600000000Z';

async function* records(...all: Array<[string, boolean?, LogRecord['stream']?]>): AsyncGenerator<LogRecord> {
  // One buffer for all, as a reader has it.
  const buffer = Buffer.alloc(2 * 1024 * 1024);
  for (const [text, isEnd = true, stream = 'stdout'] of all) {
    const length = buffer.write(text);
    yield { at, stream, isEnd, bytes: buffer.subarray(0, length) };
  }
}

const texts = async (from: AsyncIterable<LogRecord>) =>
  (await Array.fromAsync(linesOf(from))).map(({ stream, text }) => `${stream}: ${text}`);

test('pieces are put together to lines, each stream by itself', async () => {
  const lines = await Array.fromAsync(
    linesOf(records(['o', false], ['err\n', true, 'stderr'], ['ne\n'], ['\n'], ['two', false])),
  );
  expect(lines.map(({ stream, text }) => `${stream}: ${text}`)).toEqual([
    'stderr: err',
    'stdout: one',
    'stdout: ',
    'stdout: two',
  ]);
  expect(lines[0]?.time).toEqual(new Date('2026-01-02T03:04:05.600Z'));
});

test('a character whose bytes are parted is whole', async () => {
  const [first, second] = [Buffer.from('é\n').subarray(0, 1), Buffer.from('é\n').subarray(1)];
  async function* parted(): AsyncGenerator<LogRecord> {
    yield { at: undefined, stream: 'stdout', isEnd: false, bytes: first };
    yield { at: undefined, stream: 'stdout', isEnd: true, bytes: second };
  }
  expect(await texts(parted())).toEqual(['stdout: é']);
});

test('a line without an end is bounded', async () => {
  const piece: [string, boolean] = ['x'.repeat(1024 * 1024), false];
  const seen = await texts(records(piece, piece, ['end\n']));
  expect(seen.map((text) => text.length)).toEqual([1024 * 1024 + 8, 1024 * 1024 + 8, 11]);
});
