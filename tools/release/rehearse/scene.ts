import { copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { serveSnapshotter } from '@stowage/snapshots/serve';
import { MemorySnapshotter } from '@stowage/snapshots-conformance/memory';
import {
  BUSYBOX,
  Daemon,
  demoArchive,
  must,
  mustCtr,
  type NpmRegistry,
  startRegistry,
} from '@stowage/testing';
import { install } from './install.ts';
import type { NodeVersion } from './nodes.ts';

/** What examples find on a machine where Stowage is: a daemon, an image, and a registry that has it too. */
export interface Scene extends AsyncDisposable {
  readonly address: string;
  readonly npm: NpmRegistry;
  /** `host/name:tag` in a registry that speaks plain HTTP. */
  readonly image: string;
  /** A root filesystem, and a bundle for a container that ends with 42. */
  readonly rootfs: string;
  readonly bundle: string;
  readonly ext4: string;
  /** Where somebody serves a snapshotter. */
  readonly snapshotter: string;
}

/** The daemon is the one that was published, on the given Node. `dir` is short, as sockets are in it. */
export async function openScene(dir: string, npm: NpmRegistry, node: NodeVersion): Promise<Scene> {
  await using parts = new AsyncDisposableStack();
  const installed = await install(join(dir, 'daemon'), ['@stowage/daemon'], npm, node);
  const entry = join(installed.dir, 'node_modules/@stowage/daemon/bin/stowaged.mjs');
  const registry = parts.use(await startRegistry(join(dir, 'registry')));
  const daemon = parts.use(await Daemon.start({ dir, entry, node: node.program, quiet: true }));
  const { address } = daemon;
  const image = `${registry.host}/demo:1`;
  await mustCtr(address, ['images', 'import', await demoArchive(join(dir, 'image'), image)]);
  await mustCtr(address, ['images', 'push', '--plain-http', image]);
  const [rootfs, bundle, ext4] = await Promise.all([
    makeRootfs(join(dir, 'rootfs')),
    makeBundle(join(dir, 'bundle')),
    makeExt4(join(dir, 'base.ext4')),
  ]);
  const snapshotter = join(dir, 'mine.sock');
  parts.use(await serveSnapshotter(new MemorySnapshotter(), { socket: snapshotter, name: 'mine' }));
  const all = parts.move();
  const close = () => all[Symbol.asyncDispose]();
  return { address, npm, image, rootfs, bundle, ext4, snapshotter, [Symbol.asyncDispose]: close };
}

async function makeRootfs(path: string): Promise<string> {
  for (const name of ['bin', 'proc', 'dev', 'sys']) await mkdir(join(path, name), { recursive: true });
  await copyFile(BUSYBOX, join(path, 'bin/busybox'));
  await symlink('busybox', join(path, 'bin/sh'));
  return path;
}

async function makeBundle(path: string): Promise<string> {
  await mkdir(join(path, 'rootfs'), { recursive: true });
  const dir = join(path, 'spec');
  await mkdir(dir);
  await must('runc', ['spec', '--bundle', dir]);
  const { default: spec } = await import(join(dir, 'config.json'), { with: { type: 'json' } });
  Object.assign(spec.process, { args: ['sh', '-c', 'exit 42'], terminal: false });
  await writeFile(join(path, 'config.json'), JSON.stringify(spec));
  return path;
}

async function makeExt4(path: string): Promise<string> {
  await must('truncate', ['-s', '8M', path]);
  await must('mkfs.ext4', ['-q', path]);
  return path;
}
