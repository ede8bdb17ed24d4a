import { expect, test } from '@jest/globals';
import { Fault, type Plugin, silentLogger } from '@stowage/core';
import { MemorySnapshotter } from '@stowage/snapshots-conformance/memory';
import { type SnapshotterPluginOptions, snapshotterPlugin, snapshotterSlot } from '../src/index.ts';

async function started(plugin: Plugin, table: Record<string, unknown> = {}) {
  const exports = new Map<string, string>();
  const config = plugin.config?.(table);
  const { signal } = new AbortController();
  const capabilities = new Set<string>();
  const context = {
    capabilities,
    root: '/root',
    state: '/state',
    config,
    needs: {},
    exports,
    log: silentLogger,
    signal,
  };
  return { exports, opened: await plugin.start(context) };
}

const roots: string[] = [];
const open: SnapshotterPluginOptions<unknown>['open'] = (root) => {
  roots.push(root);
  return new MemorySnapshotter();
};

test('it fills the slot of snapshotters, and is opened at the directory that the daemon has for it', async () => {
  const plugin = snapshotterPlugin({ id: 'mine', capabilities: ['rebase'], open });
  expect(plugin).toMatchObject({ slot: snapshotterSlot, id: 'mine', capabilities: ['rebase'] });
  const { exports, opened } = await started(plugin);
  expect(opened).toBeInstanceOf(MemorySnapshotter);
  expect(roots.at(-1)).toBe('/root');
  expect([...exports]).toEqual([['root', '/root']]);
});

test('root_path of its table is another directory, and what clients are told', async () => {
  const { exports } = await started(snapshotterPlugin({ id: 'mine', open }), { root_path: '/elsewhere' });
  expect(roots.at(-1)).toBe('/elsewhere');
  expect(exports.get('root')).toBe('/elsewhere');
});

test.each([
  [{ root_path: 'relative' }, 'root_path'],
  [{ root_path: 5 }, 'root_path'],
  [{ size: 1 }, 'size'],
])('a table with %j is refused, naming the key', (table, key) => {
  const plugin = snapshotterPlugin({ id: 'mine', open });
  expect(() => plugin.config?.(table)).toThrow(key);
  expect(() => plugin.config?.(table)).toThrow(
    expect.objectContaining({ name: 'Fault', kind: 'invalid_argument' }),
  );
});

test('keys of its own are read by its own function', async () => {
  const seen: unknown[] = [];
  const plugin = snapshotterPlugin({
    id: 'mine',
    defaults: { size: 1 },
    config({ size = 1 }) {
      if (typeof size !== 'number') throw new Fault('invalid_argument', '"size": expected a number');
      return { size };
    },
    open(_root, { config }) {
      seen.push(config.size + 1);
      return new MemorySnapshotter();
    },
  });
  expect(plugin.defaults).toEqual({ root_path: '', size: 1 });
  await started(plugin, { size: 41 });
  await started(plugin);
  expect(seen).toEqual([42, 2]);
  expect(() => plugin.config?.({ size: 'large' })).toThrow('"size"');
});
