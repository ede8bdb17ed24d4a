import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { ctr, demoArchive, mustCtr } from '@stowage/testing';
import { withDaemon } from '../suite.ts';

const suite = withDaemon('no-runc', { env: { PATH: '/nowhere' } });

test('without runc, run says that it is missing and how to get it; all else works', async () => {
  const archive = await demoArchive(join(suite.dir, 'image'), 'example.org/demo:1');
  await mustCtr(suite.daemon.address, ['images', 'import', archive]);
  const result = await ctr(suite.daemon.address, ['run', '--rm', 'example.org/demo:1', 'x', '/bin/true']);
  expect(result.code).not.toBe(0);
  expect(result.stderr).toMatch(/runc.*not found/);
  expect(result.stderr).toContain('install');
  expect(await mustCtr(suite.daemon.address, ['tasks', 'ls', '-q'])).toBe('');
}, 60_000);
