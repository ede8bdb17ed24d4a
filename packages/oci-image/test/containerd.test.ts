import { spawn } from 'node:child_process';
import { createReadStream, createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { expect, test } from '@jest/globals';
import { end, must, run, tempDir, until } from '@stowage/testing';
import { buildImage, importArchive, writeArchive } from '../src/index.ts';
import { labelledStore } from './support/store.ts';

const name = 'docker.io/library/demo:v1';

test('containerd reads our archives, and we read those that it exports', async () => {
  await using dir = await tempDir('peer');
  const at = (path: string) => join(dir.path, path);
  await writeFile(
    at('config.toml'),
    [
      'version = 2',
      `root = "${at('root')}"`,
      `state = "${at('state')}"`,
      'disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]',
      `grpc = { address = "${at('c.sock')}" }`,
      `ttrpc = { address = "${at('t.sock')}" }`,
    ].join('\n'),
  );
  const containerd = spawn('containerd', ['--config', at('config.toml')], { stdio: 'ignore' });
  try {
    const ctr = (...args: string[]) => must('ctr', ['--address', at('c.sock'), ...args]);
    await until(
      'containerd to answer',
      async () => (await run('ctr', ['-a', at('c.sock'), 'version'])).code === 0,
    );
    await using content = await labelledStore();
    const target = await buildImage(content, {
      layers: [[{ path: 'etc/motd', data: 'hi' }], [{ path: 'etc/issue', data: 'ho' }]],
    });
    await pipeline(writeArchive(content, [{ name, target }]), createWriteStream(at('ours.tar')));
    await ctr('images', 'import', '--snapshotter', 'native', at('ours.tar'));
    expect(await ctr('images', 'check', '--snapshotter', 'native')).toMatch(
      new RegExp(`${name} .*${target.digest}.*complete.*true`),
    );
    await ctr('images', 'export', at('theirs.tar'), name);
    await using other = await labelledStore();
    expect(await importArchive(createReadStream(at('theirs.tar')), other)).toEqual([{ name, target }]);
    expect(await other.digests()).toEqual(expect.arrayContaining(await content.digests()));
  } finally {
    await end(containerd);
  }
});
