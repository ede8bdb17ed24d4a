import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { Events } from '@stowage/api/events/v1';
import { Namespaces } from '@stowage/api/namespaces/v1';
import { Version } from '@stowage/api/version/v1';
import { Fault } from '@stowage/core';
import { scopeOf, serviceRoutes } from '@stowage/rpc';
import { WebSocket } from 'ws';
import { serve } from './fixture.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
const version = serviceRoutes(Version, { version: () => ({ version: '1', revision: 'r' }) });

test('a call goes to the daemon with its namespace, and a failure comes back with its code', async () => {
  const routes = serviceRoutes(Namespaces, {
    get({ name }, context) {
      if (name === 'none') throw new Fault('not_found', 'namespace none: not found');
      return { namespace: { name: `${scopeOf(context).namespace}/${name}` } };
    },
  });
  await using ui = await serve([routes]);
  const path = '/containerd.services.namespaces.v1.Namespaces/Get';
  const ask = (name: string) =>
    ui.asPage({
      ...{ method: 'POST', path, body: JSON.stringify({ name }) },
      headers: { ...JSON_TYPE, 'containerd-namespace': 'of' },
    });
  expect(JSON.parse((await ask('a')).body)).toEqual({ namespace: { name: 'of/a' } });
  const failed = await ask('none');
  expect([failed.status, JSON.parse(failed.body)]).toEqual([
    404,
    { code: 'not_found', message: 'namespace none: not found' },
  ]);
});

test('a stream comes message by message, and is given up there when its reader leaves', async () => {
  const given = Promise.withResolvers<void>();
  const routes = serviceRoutes(Events, {
    async *subscribe(_, { signal }) {
      yield { topic: '/first' };
      await once(signal, 'abort');
      given.resolve();
    },
  });
  await using ui = await serve([routes]);
  const leave = new AbortController();
  const answer = await fetch(`${ui.url.origin}/containerd.services.events.v1.Events/Subscribe`, {
    method: 'POST',
    headers: { 'content-type': 'application/connect+json', cookie: ui.cookie, origin: ui.url.origin },
    body: Buffer.from('\0\0\0\0\x02{}'),
    signal: leave.signal,
  });
  const { value } = (await answer.body?.getReader().read()) ?? {};
  expect(Buffer.from(value ?? []).toString()).toContain('/first');
  leave.abort();
  await given.promise;
});

test('what takes more than the daemon goes to whoever serves the page', async () => {
  await using ui = await serve([version]);
  const host = (name: string, body: string, headers: object = JSON_TYPE) =>
    ui.asPage({
      ...{ method: 'POST', path: `/host/${name}`, body },
      headers: { ...headers, 'containerd-namespace': 'n' },
    });
  expect(JSON.parse((await host('About', '{}')).body)).toEqual({
    namespace: 'first',
    version: '1',
    revision: 'r',
  });
  for (const name of ['Start', 'Stop', 'Remove']) expect((await host(name, '{"id":"web"}')).status).toBe(200);
  await host('Remove', '{"id":"web","force":true}');
  expect(ui.done).toEqual([
    'start n/web',
    'stop n/web',
    'remove n/web force false',
    'remove n/web force true',
  ]);
  expect((await host('constructor', '{}')).status).toBe(501);
  expect((await host('Start', 'null')).status).toBe(400);
  // What a form of another page could send.
  expect((await host('Start', '{"id":"web"}', { 'content-type': 'text/plain' })).status).toBe(400);
  expect((await host('Start', `{"id":"${'x'.repeat(70_000)}"}`)).status).toBe(429);
  expect(ui.done).toHaveLength(4);
});

test('a WebSocket is told what failed, and the server ends with all its connections', async () => {
  const ui = await serve([version]);
  const open = (path: string) =>
    new WebSocket(`ws://${ui.url.host}${path}`, { headers: { cookie: ui.cookie, origin: ui.url.origin } });
  const failing = open('/host/exec?id=x&namespace=n');
  const [told] = await once(failing, 'message');
  expect(JSON.parse(String(told))).toEqual({ error: 'exec in x: no program was named' });
  expect((await once(failing, 'close'))[0]).toBe(4000);
  const hung = open('/host/exec?id=x&namespace=n&arg=sh');
  await once(hung, 'open');
  hung.send('no JSON');
  await Promise.all([once(hung, 'close'), delay(10).then(() => ui[Symbol.asyncDispose]())]);
});
