import { expect, test } from '@jest/globals';
import { type Screen, screenOf, styleOfState } from '../src/screen.ts';
import { table } from '../src/table.ts';
import { cutTo, padTo, widthOf } from '../src/text-width.ts';

const screen = (columns?: number): Screen => ({ columns, paint: (_, text) => text });
const marked: Screen = { columns: undefined, paint: (style, text) => `<${style}>${text}</>` };

test('columns are as wide as what is in them, with wide characters counted twice', () => {
  const text = table(
    ['NAME', 'SIZE'],
    [
      ['日本', '1'],
      ['a', '22'],
    ],
    screen(),
  );
  expect(text).toBe('NAME   SIZE\n日本   1\na      22\n');
});

test('on a narrow terminal the widest column is cut, and a row stays a line', () => {
  const rows = [['short', 'x'.repeat(50), 'y'.repeat(20)]];
  for (const columns of [80, 60, 40, 30]) {
    const lines = table(['A', 'B', 'C'], rows, screen(columns)).trimEnd().split('\n');
    for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(columns);
  }
  expect(table(['A', 'B', 'C'], rows, screen(40))).toContain(`short   ${'x'.repeat(13)}…`);
  // Where a row can't be a line, it still says something.
  expect(table(['A', 'B', 'C'], rows, screen(5))).toContain('short   xxxxxxx…   yyyyyyy…');
});

test('no row is cut where nobody looks at it', () => {
  expect(table(['A'], [['x'.repeat(500)]], screen())).toContain('x'.repeat(500));
});

test('nobody’s name moves the cursor, nor begins a line', () => {
  expect(table(['A'], [['a\u001b[2J\nb']], screen())).toBe('A\na?[2J?b\n');
});

test('headings and states are coloured, and colours take no room', () => {
  const text = table(
    ['STATE', 'B'],
    [
      [{ text: 'ok', style: 'green' }, 'x'],
      [{ text: '', style: 'red' }, ''],
    ],
    marked,
  );
  expect(text).toBe('<bold>STATE</>   <bold>B</>\n<green>ok</>      x\n\n');
  expect(['running, pid 5', 'exited (0)', 'exited (2)', 'paused', 'left out', '?'].map(styleOfState)).toEqual(
    ['green', undefined, 'red', 'yellow', 'yellow', undefined],
  );
});

test('what is no terminal is not wide, and has no colours', () => {
  const stream = { isTTY: false, columns: 20, writable: true, write: () => true } as never;
  expect(screenOf(stream).columns).toBeUndefined();
});

test('half a character is never shown', () => {
  expect(cutTo('日本語', 4)).toBe('日…');
  expect(cutTo('👩‍👩‍👧‍👦 family', 4)).toBe('👩‍👩‍👧‍👦 …');
  expect(cutTo('e\u0301e\u0301e\u0301', 2)).toBe('e\u0301…');
  expect([cutTo('abc', 3), cutTo('abcd', 3), cutTo('abc', 0)]).toEqual(['abc', 'ab…', '']);
  expect(padTo('日', 4)).toBe('日  ');
});
