import { expect, test } from '@jest/globals';
import { overConnect, Setting } from './setting.ts';

test('a scope without a namespace is refused, as is one that is no identifier', async () => {
  await using at = await Setting.make();
  expect(() => at.scope('')).toThrow(expect.objectContaining({ kind: 'failed_precondition' }));
  expect(() => at.scope('')).toThrow('namespace is required');
  for (const bad of ['a/b', '!log', '__proto__', '../x', 'a'.repeat(77)])
    expect(() => at.scope(bad)).toThrow(expect.objectContaining({ kind: 'invalid_argument' }));
});

test('over Connect, a call without a namespace header is failed_precondition', async () => {
  await using at = await Setting.make({}, overConnect);
  const { images, content } = at.scope('');
  await expect(images.get('a')).rejects.toMatchObject({
    kind: 'failed_precondition',
    message: 'namespace is required',
  });
  await expect(Array.fromAsync(content?.list() ?? [])).rejects.toMatchObject({ kind: 'failed_precondition' });
  await expect(at.scope('a/b').leases.create({})).rejects.toMatchObject({ kind: 'invalid_argument' });
});
