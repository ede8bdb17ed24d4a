import { execFile, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createClient } from '@connectrpc/connect';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Version } from '@stowage/api/version/v1';
import { listenTls, type TlsServer } from '../src/tls.ts';
import { tlsTransport } from '../src/transport.ts';
import { memoryLog, tempDir } from './fixture.ts';

let dir: Awaited<ReturnType<typeof tempDir>>;
let server: TlsServer;
const at = (name: string) => join(dir.path, name);
const pem = (name: string) => readFileSync(at(name));
const { log, lines } = memoryLog();
const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: dir.path, stdio: 'pipe' });

function authority(name: string): void {
  openssl(
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-keyout',
    `${name}.key`,
    '-out',
    `${name}.pem`,
    '-subj',
    `/CN=${name}`,
    '-days',
    '2',
  );
}

function certificate(name: string, by: string): void {
  openssl(
    'req',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-keyout',
    `${name}.key`,
    '-out',
    `${name}.csr`,
    '-subj',
    `/CN=${name}`,
    '-addext',
    'subjectAltName=DNS:localhost,IP:127.0.0.1',
  );
  openssl(
    'x509',
    '-req',
    '-in',
    `${name}.csr`,
    '-CA',
    `${by}.pem`,
    '-CAkey',
    `${by}.key`,
    '-CAcreateserial',
    '-copy_extensions',
    'copy',
    '-out',
    `${name}.pem`,
    '-days',
    '2',
  );
}

beforeAll(async () => {
  dir = await tempDir();
  for (const name of ['house', 'elsewhere']) authority(name);
  certificate('server', 'house');
  certificate('client', 'house');
  certificate('other', 'house');
  certificate('stranger', 'elsewhere');
  server = await listenTls({
    ...{ host: '127.0.0.1', port: 0, log },
    tls: { cert: pem('server.pem'), key: pem('server.key'), ca: pem('house.pem'), commonName: 'client' },
    web: { origins: ['https://ops.example'], hosts: ['localhost'] },
    routes: [(router) => router.service(Version, { version: () => ({ version: '1', revision: 'r' }) })],
  });
}, 60_000);
afterAll(async () => {
  await server.close();
  await dir[Symbol.asyncDispose]();
});

const transport = (who: string) =>
  tlsTransport({
    ...{ host: '127.0.0.1', port: server.port, serverName: 'localhost' },
    ...{ ca: pem('house.pem'), cert: pem(`${who}.pem`), key: pem(`${who}.key`) },
  });

test('who has the right certificate calls by gRPC', async () => {
  await using to = transport('client');
  expect((await createClient(Version, to).version({})).version).toBe('1');
  expect(server.load.connections).toBe(1);
});

test.each(['stranger', 'other'])('%s is refused, which is logged', async (who) => {
  lines.length = 0;
  await using to = transport(who);
  await expect(createClient(Version, to).version({})).rejects.toMatchObject({ code: 14 });
  expect(lines.map(({ message }) => message).join()).toContain('connection refused');
});

const PATH = '/containerd.services.version.v1.Version/Version';

const run = promisify(execFile);

/** @returns status, headers and body. */
async function curl(...args: string[]): Promise<{ status: number; text: string }> {
  const auth = ['--cacert', at('house.pem'), '--cert', at('client.pem'), '--key', at('client.key')];
  const url = `https://localhost:${server.port}${PATH}`;
  const data = args.includes('OPTIONS') ? [] : ['-H', 'content-type: application/json', '-d', '{}'];
  const { stdout: text } = await run('curl', ['-sSi', ...auth, ...data, ...args, url]);
  return { status: Number(/^HTTP\/\S+ (\d+)/.exec(text)?.[1]), text };
}

test.each(['--http1.1', '--http2'])(
  'with a certificate also by JSON, without one not at all: %s',
  async (version) => {
    expect(await curl(version)).toMatchObject({
      status: 200,
      text: expect.stringContaining('"version":"1"'),
    });
    const secure = `https://localhost:${server.port}${PATH}`;
    await expect(run('curl', ['-sS', version, '--cacert', at('house.pem'), secure])).rejects.toThrow();
    await expect(run('curl', ['-sS', `http://localhost:${server.port}${PATH}`])).rejects.toThrow();
  },
);

test.each(['--http1.1', '--http2'])(
  'pages of a known origin may call, and no others: %s',
  async (version) => {
    const allowed = ['-H', 'origin: https://ops.example'];
    const preflight = await curl(
      version,
      '-X',
      'OPTIONS',
      ...allowed,
      '-H',
      'access-control-request-method: POST',
    );
    expect(preflight).toMatchObject({ status: 204 });
    expect(preflight.text.toLowerCase()).toContain('access-control-allow-origin: https://ops.example');
    expect(preflight.text.toLowerCase()).toContain('containerd-namespace');
    const call = await curl(version, ...allowed);
    expect(call.status).toBe(200);
    expect(call.text.toLowerCase()).toContain('access-control-allow-origin: https://ops.example');
    for (const origin of ['https://evil.example', 'null', 'https://ops.example.evil'])
      expect(await curl(version, '-H', `origin: ${origin}`)).toMatchObject({ status: 403 });
  },
);

test.each(['--http1.1', '--http2'])('a name that was pointed here is refused: %s', async (version) => {
  expect(await curl(version, '-H', 'host: evil.example')).toMatchObject({ status: 421 });
  const both = ['-H', 'host: evil.example', '-H', 'origin: https://ops.example'];
  expect(await curl(version, ...both)).toMatchObject({ status: 421 });
});

test('a port that is taken, and a key that is none, are told', async () => {
  const tls = { cert: pem('server.pem'), key: pem('server.key'), ca: pem('house.pem') };
  const taken = { host: '127.0.0.1', port: server.port, tls, routes: [] };
  await expect(listenTls(taken)).rejects.toMatchObject({ kind: 'failed_precondition' });
  await expect(listenTls({ ...taken, port: 0, tls: { ...tls, key: 'no key' } })).rejects.toMatchObject({
    kind: 'invalid_argument',
  });
});
