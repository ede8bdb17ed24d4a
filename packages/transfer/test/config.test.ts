import { expect, test } from '@jest/globals';
import { TRANSFER_DEFAULTS, transferConfig } from '../src/config.ts';

test('the defaults are what is printed', () => {
  expect(transferConfig({})).toEqual(transferConfig(TRANSFER_DEFAULTS));
});

test('what containerd 2.1 prints is read, and what of it has no effect is named', () => {
  const printed = {
    max_concurrent_downloads: 5,
    concurrent_layer_fetch_buffer: 0,
    max_concurrent_uploaded_layers: 0,
    check_platform_supported: true,
    config_path: '/etc/containerd/certs.d',
    unpack_config: [{ platform: 'linux/amd64', snapshotter: 'overlayfs', differ: '' }],
  };
  expect(transferConfig(printed)).toEqual({
    maxDownloads: 5,
    maxUploads: 0,
    maxUnpacks: 1,
    checkPlatform: true,
    hostDirectory: '/etc/containerd/certs.d',
    unpacks: [{ platform: { os: 'linux', architecture: 'amd64' }, snapshotter: 'overlayfs' }],
    unused: [],
  });
  expect(transferConfig({ concurrent_layer_fetch_buffer: 8 }).unused).toEqual([
    'concurrent_layer_fetch_buffer',
  ]);
});

test.each([
  [{ max_downloads: 1 }, 'max_downloads'],
  [{ max_concurrent_downloads: -1 }, 'max_concurrent_downloads'],
  [{ max_concurrent_uploaded_layers: '3' }, 'max_concurrent_uploaded_layers'],
  [{ check_platform_supported: 1 }, 'check_platform_supported'],
  [{ config_path: 'certs.d' }, 'config_path'],
  [{ unpack_config: {} }, 'unpack_config'],
  [{ unpack_config: [{ snapshotter: 'x' }] }, 'unpack_config[0].platform'],
  [{ unpack_config: [{ platform: 'linux' }] }, 'unpack_config[0].snapshotter'],
  [{ unpack_config: [{ platform: 'linux', snapshotter: 'x', limit: 1 }] }, 'unpack_config[0].limit'],
])('%j is refused, by its name', (table, name) => {
  expect(() => transferConfig(table)).toThrow(
    expect.objectContaining({ kind: 'invalid_argument', message: expect.stringContaining(name) }),
  );
});
