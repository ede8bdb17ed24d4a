import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { end, freePort, tempDir, until } from '@stowage/testing';
import type { Certificates } from './certificates.ts';
import { type TokenServer, USER } from './token-server.ts';

/** bcrypt of the password of {@link USER}. */
const HASH = '$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2';

/** Debian's docker-registry on loopback by TLS, behind a password or tokens, or open to all by plain HTTP. */
export async function guardedRegistry(guard?: {
  readonly certificates: Certificates;
  readonly tokens?: TokenServer;
}): Promise<AsyncDisposable & { readonly host: string }> {
  const dir = await tempDir('guarded-registry');
  const port = await freePort();
  const host = `127.0.0.1:${port}`;
  const auth: string[] = [];
  if (guard?.tokens !== undefined) {
    const { realm, issuer } = guard.tokens;
    const bundle = guard.certificates.path('ca.crt');
    auth.push(
      `auth: {token: {realm: "${realm}", service: test registry, issuer: ${issuer}, rootcertbundle: ${bundle}}}`,
    );
  } else if (guard !== undefined) {
    const passwords = join(dir.path, 'htpasswd');
    await writeFile(passwords, `${USER.username}:${HASH}\n`);
    auth.push(`auth: {htpasswd: {realm: test registry, path: ${passwords}}}`);
  }
  const files = guard?.certificates;
  const tls = files
    ? `, tls: {certificate: ${files.path('server.crt')}, key: ${files.path('server.key')}}`
    : '';
  const config = join(dir.path, 'config.yml');
  const text = [
    'version: 0.1',
    'log: {level: error}',
    `storage: {filesystem: {rootdirectory: ${join(dir.path, 'data')}}, delete: {enabled: true}}`,
    `http: {addr: "${host}", secret: a secret${tls}}`,
    ...auth,
  ];
  await writeFile(config, `${text.join('\n')}\n`);
  const child = spawn('docker-registry', ['serve', config], { stdio: 'ignore' });
  await until('docker-registry to listen', () => listens(port));
  return {
    host,
    async [Symbol.asyncDispose]() {
      await end(child);
      await dir[Symbol.asyncDispose]();
    },
  };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
