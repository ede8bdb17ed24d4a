import { expect, test } from '@jest/globals';
import { Version } from '@stowage/api/version/v1';
import { serviceRoutes } from '@stowage/rpc';
import { WebSocket } from 'ws';
import { serve } from './fixture.ts';

const version = serviceRoutes(Version, { version: () => ({ version: '1', revision: 'r' }) });
const VERSION = '/containerd.services.version.v1.Version/Version';
const CALL = { method: 'POST', path: VERSION, body: '{}', headers: { 'content-type': 'application/json' } };

test('nothing is told to who has not shown the token, and the token is changed for a strict cookie', async () => {
  await using ui = await serve([version]);
  const origin = ui.url.origin;
  for (const asked of [
    {},
    { path: '/main.js' },
    { path: '/?token=wrong' },
    { headers: { cookie: `${ui.cookie}x` } },
  ])
    expect((await ui.ask(asked)).status).toBe(401);
  expect((await ui.ask({ ...CALL, headers: { ...CALL.headers, origin } })).status).toBe(401);
  const welcomed = await ui.ask({ path: `/${ui.url.search}` });
  expect(welcomed).toMatchObject({ status: 200, body: expect.stringContaining('url=/') });
  expect(String(welcomed.headers['set-cookie'])).toMatch(
    /^stowage-ui-\d+=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=\d+$/,
  );
  expect((await ui.asPage({})).status).toBe(200);
});

test.each([
  'evil.example',
  'evil.example:80',
  '127.0.0.1.evil.example',
  'localhost.evil.example',

  'x@127.0.0.1',
])('a name that was made to lead here is refused, even with the cookie: Host %p', async (host) => {
  await using ui = await serve([version]);
  expect((await ui.asPage({ headers: { host } })).status).toBe(421);
  const named = { ...CALL.headers, host, origin: `http://${host}` };
  expect((await ui.asPage({ ...CALL, headers: named })).status).toBe(421);
});

test.each(['127.0.0.1', 'localhost', '[::1]'])(
  'through a tunnel the port may be another: %s',
  async (name) => {
    await using ui = await serve([version]);
    const headers = { ...CALL.headers, host: `${name}:9000`, origin: `http://${name}:9000` };
    expect((await ui.asPage({ ...CALL, headers })).status).toBe(200);
  },
);

test('another Origin is refused, and so is none where something may change', async () => {
  await using ui = await serve([version]);
  const { cookie } = ui;
  for (const origin of [
    'http://evil.example',
    'null',
    'http://127.0.0.1:1',
    ui.url.origin.replace('http', 'https'),
  ]) {
    expect((await ui.asPage({ ...CALL, headers: { ...CALL.headers, origin } })).status).toBe(403);
    expect((await ui.asPage({ headers: { origin } })).status).toBe(403);
  }
  expect((await ui.ask({ ...CALL, headers: { ...CALL.headers, cookie } })).status).toBe(403);
  // As another port of the same host is told by browsers, which send it the cookie.
  expect(
    (await ui.asPage({ headers: { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors' } })).status,
  ).toBe(403);
  expect(
    (await ui.asPage({ headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' } })).status,
  ).toBe(200);
});

test.each([
  ['no cookie', (url: URL) => ({ origin: url.origin }), 401],
  ['another origin', (_: URL, cookie: string) => ({ origin: 'http://evil.example', cookie }), 403],
  ['no origin', (_: URL, cookie: string) => ({ cookie }), 403],
  [
    'another host',
    (_: URL, cookie: string) => ({ host: 'evil.example', origin: 'http://evil.example', cookie }),
    421,
  ],
])('a WebSocket with %s is refused', async (_, headersOf, status) => {
  await using ui = await serve([version]);
  const socket = new WebSocket(`ws://${ui.url.host}/host/exec?id=x&arg=sh`, {
    headers: headersOf(ui.url, ui.cookie),
  });
  const refused = await new Promise<unknown>((settle) => {
    socket.on('unexpected-response', (_request, response) => settle(response.statusCode));
    socket.on('open', () => settle('open'));
  });
  expect(refused).toBe(status);
  socket.on('error', () => undefined).terminate();
});

test('files have their types and a policy without inline scripts; what is none of the page is not there', async () => {
  await using ui = await serve([version]);
  const page = await ui.asPage({});
  expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
  expect((await ui.asPage({ path: '/main.js' })).headers['content-type']).toBe(
    'text/javascript; charset=utf-8',
  );
  for (const answer of [page, await ui.ask({}), await ui.asPage(CALL)]) {
    const policy = String(answer.headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'; script-src 'self';");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(answer.headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
  }
  const etag = String(page.headers.etag);
  expect(await ui.asPage({ headers: { 'if-none-match': etag } })).toMatchObject({ status: 304, body: '' });
  for (const path of [
    '/secret.txt',
    '/../secret.txt',
    '/%2e%2e/secret.txt',
    '//evil.example/x',
    '/index.html',
  ])
    expect((await ui.asPage({ path })).status).toBe(404);
});
