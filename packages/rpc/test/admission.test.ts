import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { createClient } from '@connectrpc/connect';
import { expect, test } from '@jest/globals';
import { Version } from '@stowage/api/version/v1';
import { Fault } from '@stowage/core';
import { serve } from './fixture.ts';

const routes = [
  (router: Parameters<Parameters<typeof serve>[0][number]>[0]) =>
    void router.service(Version, { version: () => ({ version: '1', revision: 'r' }) }),
];

async function post(socketPath: string, path: string): Promise<string> {
  const headers = { 'content-type': 'application/json' };
  const call = request({ socketPath, path, method: 'POST', headers });
  call.end('{}');
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  return `${response.statusCode} ${await text(response)}`;
}

test.each([
  ['who has a rule is asked of', true],
  ['who has none may call anything', false],
])('%s', async (_, isBound) => {
  const asked: string[] = [];
  await using at = await serve(routes, {
    ruleFor: () =>
      isBound
        ? {
            key: 'k',
            admit: (call) => {
              asked.push(call.method.name);
              if (call.requestField('containerd-namespace') !== 'mine')
                throw new Fault('permission_denied', `${call.method.name}: not yours`);
            },
          }
        : undefined,
  });
  const client = createClient(Version, at.transport);
  const mine = { headers: { 'containerd-namespace': 'mine' } };
  expect((await client.version({}, mine)).version).toBe('1');
  const other = client.version({});
  if (isBound) await expect(other).rejects.toMatchObject({ code: 7, rawMessage: 'Version: not yours' });
  else await other;
  // Through Connect as well.
  const json = await post(at.path, '/containerd.services.version.v1.Version/Version');
  expect(json).toMatch(isBound ? /^403 .*permission_denied.*not yours/ : /^200 .*"version":"1"/);
  expect(asked).toEqual(isBound ? ['Version', 'Version', 'Version'] : []);
  expect(at.server.load.connections).toBeGreaterThan(0);
});
