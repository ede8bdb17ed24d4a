import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Client } from '@stowage/client';
import { tlsTransport } from '@stowage/rpc/transport';
import { demoArchive, freePort, mustCtr } from '@stowage/testing';
import { withDaemon } from '../suite.ts';

const dir = mkdtempSync(join(tmpdir(), 'tcp-'));
const at = (name: string) => join(dir, name);
const port = await freePort();
const config = at('config.toml');
const lines = ['version = 3', '[grpc]', `tcp_address = "127.0.0.1:${port}"`];
for (const name of ['cert', 'key', 'ca']) lines.push(`tcp_tls_${name} = "${at(`${name}.pem`)}"`);
const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });
const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
openssl('req', '-x509', ...ec, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=house', '-days', '2');
for (const [cert, key] of [
  ['cert', 'key'],
  ['client', 'client-key'],
] as const) {
  openssl(
    'req',
    ...ec,
    '-keyout',
    `${key}.pem`,
    '-out',
    'csr',
    '-subj',
    `/CN=${cert}`,
    '-addext',
    'subjectAltName=IP:127.0.0.1,DNS:localhost',
  );
  openssl(
    'x509',
    '-req',
    '-in',
    'csr',
    '-CA',
    'ca.pem',
    '-CAkey',
    'ca.key',
    '-CAcreateserial',
    '-copy_extensions',
    'copy',
    '-out',
    `${cert}.pem`,
    '-days',
    '2',
  );
}

const suite = withDaemon('tcp', { config });
lines.push('[access]', `"cn:client" = ["${suite.namespace}"]`);
writeFileSync(config, `${lines.join('\n')}\n`);
afterAll(() => rm(dir, { recursive: true }));

beforeAll(async () => {
  await mustCtr(suite.daemon.address, [
    'images',
    'import',
    await demoArchive(join(suite.dir, 'image'), 'example.org/demo:1'),
  ]);
}, 60_000);

test('a client with a certificate reaches the daemon over TCP, and what it may use there', async () => {
  const pem = (name: string) => readFileSync(at(`${name}.pem`));
  const certificates = { ca: pem('ca'), cert: pem('client'), key: pem('client-key') };
  await using transport = tlsTransport({ host: '127.0.0.1', port, serverName: 'localhost', ...certificates });
  const { services } = new Client(transport, { namespace: suite.namespace });
  const images = await Array.fromAsync(services.images.list());
  expect(images.map(({ name }) => name)).toEqual(['example.org/demo:1']);
  const [image] = images;
  if (image === undefined) throw new Error('there is no image');
  const bytes = await Array.fromAsync(services.content.read(image.target.digest));
  expect(Buffer.concat(bytes).byteLength).toBe(Number(image.target.size));
  // It may use this namespace, and no other one.
  const elsewhere = new Client(transport, { namespace: 'elsewhere' }).services;
  await expect(Array.fromAsync(elsewhere.images.list())).rejects.toMatchObject({ kind: 'permission_denied' });
  await expect(Array.fromAsync(services.namespaces.list())).rejects.toMatchObject({
    kind: 'permission_denied',
  });
  expect((await services.version.version()).version).toContain('stowage');
});
