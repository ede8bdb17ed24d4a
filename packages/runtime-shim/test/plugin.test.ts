import { expect, test } from '@jest/globals';
import { runtimeSlot } from '@stowage/runtime';
import { findShim, isShimName } from '../src/lookup.ts';
import { shimRuntimePlugin as plugin } from '../src/plugin.ts';

test('the plugin has no settings', () => {
  expect(plugin).toMatchObject({ slot: runtimeSlot, id: 'shim' });
  expect(plugin.config?.({})).toEqual({});
  expect(() => plugin.config?.({ path: '/opt' })).toThrow(/"path": unknown key/);
});

test.each([
  ['io.containerd.runc.v2', true],
  ['com.example.my-runtime.v1', true],
  ['/opt/shim', true],
  ['runc', false],
  ['runc.v2', false],
  ['', false],
  ['./shim', false],
  ['io.containerd.../../evil.v1', false],
  ['io.containerd.a/b.v1', false],
] as const)('%j is the name of a shim: %s', (name, is) => {
  expect(isShimName(name)).toBe(is);
});

test('a shim is found in PATH first, then beside; a name that can be none is refused', async () => {
  expect(await findShim('io.containerd.runc.v2', { path: '/no/such:/usr/bin' })).toBe(
    '/usr/bin/containerd-shim-runc-v2',
  );
  expect(await findShim('a.b.runc.v2', { path: '', beside: '/usr/bin' })).toBe(
    '/usr/bin/containerd-shim-runc-v2',
  );
  await expect(findShim('runc', { path: '/usr/bin' })).rejects.toMatchObject({ kind: 'invalid_argument' });
  await expect(findShim('/etc/passwd', { path: '' })).rejects.toMatchObject({ kind: 'permission_denied' });
  await expect(findShim('/etc', { path: '' })).rejects.toMatchObject({ kind: 'not_found' });
  await expect(findShim('io.containerd.x.v1', { path: '' })).rejects.toMatchObject({
    kind: 'not_found',
    message: expect.stringContaining('PATH, which is empty'),
  });
});
