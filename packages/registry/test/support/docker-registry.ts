import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type Descriptor, digestOf } from '@stowage/core';
import { end, tempDir, until } from '@stowage/testing';

export interface DockerRegistry extends AsyncDisposable {
  readonly host: string;
  pushBlob(repository: string, mediaType: string, bytes: Uint8Array): Promise<Descriptor>;
  pushManifest(
    repository: string,
    reference: string,
    mediaType: string,
    bytes: Uint8Array,
  ): Promise<Descriptor>;
}

/** Debian's docker-registry on a free port, filled by plain HTTP. */
export async function dockerRegistry(): Promise<DockerRegistry> {
  const dir = await tempDir('docker-registry');
  const port = await freePort();
  const host = `127.0.0.1:${port}`;
  const config = join(dir.path, 'config.yml');
  await writeFile(
    config,
    `version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: ${dir.path}/data}}\nhttp: {addr: ${host}}\n`,
  );
  const child = spawn('/usr/bin/docker-registry', ['serve', config], { stdio: 'ignore' });
  const up = async () => {
    try {
      return (await fetch(`http://${host}/v2/`)).ok;
    } catch {
      return false;
    }
  };
  await until('docker-registry to listen', up);
  const put = async (url: string, body: Uint8Array, type: string) => {
    const response = await fetch(url, {
      method: 'PUT',
      body: Buffer.from(body),
      headers: { 'content-type': type },
    });
    if (response.status !== 201) throw new Error(`PUT ${url}: ${response.status} ${await response.text()}`);
  };
  return {
    host,
    async pushBlob(repository, mediaType, bytes) {
      const digest = digestOf(bytes);
      const started = await fetch(`http://${host}/v2/${repository}/blobs/uploads/`, { method: 'POST' });
      const location = new URL(started.headers.get('location') ?? '', `http://${host}`);
      location.searchParams.set('digest', digest);
      await put(location.href, bytes, 'application/octet-stream');
      return { mediaType, digest, size: BigInt(bytes.byteLength) };
    },
    async pushManifest(repository, reference, mediaType, bytes) {
      await put(`http://${host}/v2/${repository}/manifests/${reference}`, bytes, mediaType);
      return { mediaType, digest: digestOf(bytes), size: BigInt(bytes.byteLength) };
    },
    async [Symbol.asyncDispose]() {
      await end(child);
      await dir[Symbol.asyncDispose]();
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
