import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { runtimeSlot } from '@stowage/runtime';
import { runcRuntimePlugin as plugin } from '../src/plugin.ts';
import { VERSION } from '../src/version.ts';

test('settings are read, and what is wrong with them is named', () => {
  expect(plugin.config?.({})).toEqual({
    runtime: 'runc',
    root: '',
    supervisors: 'one',
    lifetime: 'detached',
  });
  expect(plugin.config?.({ runtime: '/opt/crun' })).toEqual({
    runtime: '/opt/crun',
    root: '',
    supervisors: 'one',
    lifetime: 'detached',
  });
  expect(() => plugin.config?.({ runtme: 'x' })).toThrow(/"runtme": unknown key/);
  expect(() => plugin.config?.({ runtime: 3 })).toThrow(/"runtime": expected a string/);
  expect(() => plugin.config?.({ runtime: '' })).toThrow(/must not be empty/);
  expect(plugin.config?.({ supervisors: 'pod' })).toMatchObject({ supervisors: 'pod' });
  expect(() => plugin.config?.({ supervisors: 'two' })).toThrow(/"supervisors": expected one of "one"/);
  expect(plugin.config?.({ lifetime: 'owned' })).toMatchObject({ lifetime: 'owned' });
  expect(() => plugin.config?.({ lifetime: 'short' })).toThrow(/"lifetime": expected one of "detached"/);
  expect(plugin.defaults).toEqual({
    runtime: 'runc',
    root: '',
    supervisors: 'one',
    lifetime: 'detached',
  });
  expect(plugin).toMatchObject({ slot: runtimeSlot, id: 'runc' });
});

test('the version is the package’s', () => {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  expect(VERSION).toBe(manifest.version);
});
