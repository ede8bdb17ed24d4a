import { expect, test } from '@jest/globals';
import { overlaySnapshotterPlugin as plugin } from '@stowage/snapshotter-overlay/plugin';

const parse = (table: Record<string, unknown>) => plugin.config?.(table);

test('a configuration is read, and its mistakes are named', () => {
  const defaults = {
    rootPath: undefined,
    upperdirLabel: false,
    mountOptions: [],
    syncRemove: false,
    slowChown: false,
  };
  expect(parse({ slow_chown: true })).toEqual({ ...defaults, slowChown: true });
  expect(parse({})).toEqual(defaults);
  expect(parse(plugin.defaults ?? {})).toEqual(defaults);
  expect(parse({ root_path: '/x', mount_options: ['volatile'] })).toEqual({
    ...defaults,
    rootPath: '/x',
    mountOptions: ['volatile'],
  });
  const mistakes: [Record<string, unknown>, string][] = [
    [{ root_path: 'x' }, 'root_path'],
    [{ root_path: 1 }, 'root_path'],
    [{ upperdir_label: 'yes' }, 'upperdir_label'],
    [{ sync_remove: 1 }, 'sync_remove'],
    [{ mount_options: 'ro' }, 'mount_options'],
    [{ mount_options: ['a,b'] }, 'mount_options'],
    [{ slow_chown: 'no' }, 'slow_chown'],
    [{ rootpath: '/x' }, 'rootpath'],
  ];
  for (const [table, key] of mistakes) {
    expect(() => parse(table)).toThrow(
      expect.objectContaining({ kind: 'invalid_argument', message: expect.stringContaining(key) }),
    );
  }
});
