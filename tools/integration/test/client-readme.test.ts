import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { demoArchive, mustCtr, run, startRegistry } from '@stowage/testing';
import { withDaemon } from '../suite.ts';

const suite = withDaemon('client-readme');
const README = join(import.meta.dirname, '../../../packages/client/README.md');

beforeAll(async () => {
  const archive = await demoArchive(join(suite.dir, 'image'), 'example.org/demo:1');
  await mustCtr(suite.daemon.address, ['images', 'import', archive]);
}, 60_000);

test('the example of the README runs as it stands, with another image and program', async () => {
  await using registry = await startRegistry(join(suite.dir, 'registry'));
  const reference = `${registry.host}/demo:1`;
  await mustCtr(suite.daemon.address, ['images', 'tag', 'example.org/demo:1', reference]);
  await mustCtr(suite.daemon.address, ['images', 'push', '--plain-http', reference]);

  const [, example = ''] = /```ts\n(.*?)```/s.exec(await readFile(README, 'utf8')) ?? [];
  const ours = example
    .replace('/run/stowage/stowage.sock', suite.daemon.address)
    .replace("'example'", `'${suite.namespace}'`)
    .replace('docker.io/library/redis:alpine', reference)
    .replace(
      "'redis-server', '--port', '6380'",
      "'sh', '-c', 'echo up; trap \"exit 3\" TERM; while :; do sleep 0.1; done'",
    );
  expect(ours).toContain(reference);
  expect(ours).toContain('echo up');
  expect(ours).toContain(suite.namespace);
  const args = ['--conditions=stowage-source', '--input-type=module-typescript', '-e', ours];
  const result = await run(process.execPath, args, { cwd: import.meta.dirname });
  expect(result).toMatchObject({ code: 0, stdout: 'up\nexited with 3\n', stderr: '' });
  expect(await mustCtr(suite.daemon.address, ['containers', 'ls', '-q'])).toBe('');
}, 60_000);
