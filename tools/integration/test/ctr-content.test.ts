import { expect, test } from '@jest/globals';
import { ctr, mustCtr, run } from '@stowage/testing';
import { withDaemon } from '../suite.ts';

// A daemon of its own: what ctr ingests is held by nothing and goes at the first collection, as in containerd.
const suite = withDaemon('ctr-content');
const c = (...args: string[]) => mustCtr(suite.daemon.address, args);

test('content: ingest, ls, get, rm', async () => {
  // The collection after the start has passed by then; the next comes after something is deleted.
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const bytes = 'x'.repeat(200_000);
  const digest = (await run('sha256sum', [], { input: bytes })).stdout.split(' ')[0] ?? '';
  const ingested = await ctr(
    suite.daemon.address,
    ['content', 'ingest', '--expected-digest', `sha256:${digest}`, 'a-ref'],
    {
      input: bytes,
    },
  );
  expect(ingested).toMatchObject({ code: 0 });
  expect(await c('content', 'ls', '-q')).toContain(`sha256:${digest}`);
  expect(await c('content', 'get', `sha256:${digest}`)).toBe(bytes);
  await c('content', 'rm', `sha256:${digest}`);
  expect(await c('content', 'ls', '-q')).not.toContain(digest);
  const gone = await ctr(suite.daemon.address, ['content', 'get', `sha256:${digest}`]);
  expect(gone).toMatchObject({ code: 1, stderr: expect.stringContaining('not found') });
});
