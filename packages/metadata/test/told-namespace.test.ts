import { expect, test } from '@jest/globals';
import type { ContentStore } from '@stowage/content';
import { readBlob } from '@stowage/content';
import { MemoryContent } from './memory-content.ts';
import { put, Setting } from './setting.ts';

/** A store that is told in whose name it is called, and remembers. */
function aware() {
  const blobs = new MemoryContent();
  const calls: string[] = [];
  const inNameOf = (namespace: string): ContentStore =>
    new Proxy(blobs, {
      get(target, method: keyof ContentStore) {
        const value: unknown = Reflect.get(target, method, target);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          calls.push(`${namespace}:${method}`);
          return value.apply(target, args);
        };
      },
    });
  const content = new Proxy(inNameOf(''), {
    get: (target, method) => (method === 'forNamespace' ? inNameOf : Reflect.get(target, method)),
  });
  return { blobs, calls, content, since: (at: number) => new Set(calls.slice(at)) };
}

test('a store that cares is called in the name of the namespace, by a collection too', async () => {
  const { blobs, calls, content, since } = aware();
  await using at = await Setting.make({ content });
  const descriptor = await put(at.contentOf('a'), 'hello');
  expect(Buffer.from(await readBlob(at.contentOf('b'), descriptor).catch(() => 'not there')).toString()).toBe(
    'not there',
  );
  expect(Buffer.from(await readBlob(at.contentOf('a'), descriptor)).toString()).toBe('hello');
  {
    await using writer = await at.contentOf('a').writer({ ref: 'left' });
    await writer.write(Buffer.from('x'));
  }
  await at.contentOf('a').status('left');
  await at.contentOf('a').abort('left');
  expect(calls.filter((call) => !call.startsWith('a:'))).toEqual([]);
  expect(since(0)).toEqual(new Set(['a:writer', 'a:info', 'a:read', 'a:status', 'a:abort']));

  const before = calls.length;
  await at.contentOf('a').delete(descriptor.digest);
  await at.metadata.collect();
  expect(calls.slice(before)).toContain('a:delete');
  expect(calls.slice(before)).not.toContain(':delete');
  expect(blobs.blobs.size).toBe(0);
});
