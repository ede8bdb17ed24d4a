import { text } from 'node:stream/consumers';
import { expect, test } from '@jest/globals';
import { DetachKeys, parseDetachKeys } from '../src/detach-keys.ts';

test('keys are the bytes that a terminal sends', () => {
  expect([...parseDetachKeys('ctrl-p,ctrl-q')]).toEqual([16, 17]);
  expect([...parseDetachKeys('ctrl-],A,ctrl-@')]).toEqual([29, 65, 0]);
  for (const bad of ['', 'ctrl-', 'ctrl-1', 'ab', 'a,', 'ä'])
    expect(() => parseDetachKeys(bad)).toThrow('is no key');
});

/** What is passed on of pieces, and whether the keys were pressed. */
async function typed(...pieces: string[]): Promise<{ passed: string; pressed: boolean }> {
  const keys = new DetachKeys(parseDetachKeys('ctrl-p,ctrl-q'));
  let pressed = false;
  void keys.pressed.then(() => {
    pressed = true;
  });
  const passed = text(keys);
  for (const piece of pieces) keys.write(piece);
  keys.end();
  return { passed: await passed, pressed };
}

test('what is no detaching is passed on byte for byte', async () => {
  expect(await typed('ab', '\u0010', 'c')).toEqual({ passed: 'ab\u0010c', pressed: false });
  expect(await typed('\u0011\u0010')).toEqual({ passed: '\u0011\u0010', pressed: false });
});

test('the keys themselves are not, nor what comes with them', async () => {
  expect(await typed('ab\u0010', '\u0011')).toEqual({ passed: 'ab', pressed: true });
  expect(await typed('\u0010\u0010\u0011rest')).toEqual({ passed: '\u0010', pressed: true });
});
