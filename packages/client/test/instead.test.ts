import { expect, test } from '@jest/globals';
import { Fault } from '@stowage/core';
import { orInstead } from '../src/instead.ts';

const lack = { what: 'such things', since: 'Stowage', instead: 'use others' };

const refusing = (message: string, kind: 'unimplemented' | 'not_found' = 'unimplemented') =>
  orInstead(
    {
      async one(): Promise<void> {
        throw new Fault(kind, message);
      },
      async *many(): AsyncGenerator<string> {
        yield 'first';
        throw new Fault(kind, message);
      },
      async same(text: string): Promise<string> {
        return text;
      },
    },
    lack,
  );

test.each([
  ['containerd', 'unknown service stowage.x.v1.X'],
  ['an older one', 'unknown method Y for service stowage.x.v1.X'],
  ['an engine', 'RouterHttpClient: no handler registered for /stowage.x.v1.X/Y'],
])('what %s does not serve is told with what to use instead', async (_, message) => {
  const expected = {
    kind: 'unimplemented',
    message: 'such things: this server has none, which come with Stowage; use others',
  };
  await expect(refusing(message).one()).rejects.toMatchObject(expected);
  await expect(Array.fromAsync(refusing(message).many())).rejects.toMatchObject(expected);
});

test('what it serves and refuses keeps its words, and all else is as it was', async () => {
  const transfers = refusing('transfer from a to b: not known');
  await expect(transfers.one()).rejects.toThrow('transfer from a to b: not known');
  await expect(refusing('unknown service x', 'not_found').one()).rejects.toMatchObject({ kind: 'not_found' });
  expect(await transfers.same('text')).toBe('text');
});

test('an iterable fails at its first step that fails, and gives what comes before', async () => {
  const seen: string[] = [];
  const reading = (async () => {
    for await (const one of refusing('unknown service x').many()) seen.push(one);
  })();
  await expect(reading).rejects.toMatchObject({ kind: 'unimplemented' });
  expect(seen).toEqual(['first']);
});
