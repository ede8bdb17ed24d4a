import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { end, must, type RunOptions, type RunResult, run, until } from './process.ts';

export interface Program extends AsyncDisposable {
  readonly pid: number;
}

/** Runs Debian's `ctr` against a socket. */
export function ctr(address: string, args: readonly string[], options?: RunOptions): Promise<RunResult> {
  return run('ctr', ['--address', address, ...args], options);
}

/** Runs a `ctr` that must succeed. */
export function mustCtr(address: string, args: readonly string[], options?: RunOptions): Promise<string> {
  return must('ctr', ['--address', address, ...args], options);
}

/** A port that nobody listens on, a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/**
 * Debian's docker-registry on loopback, with an empty store in `dir`.
 *
 * @param users - lines as of `htpasswd -B`: it lets in only those.
 */
export async function startRegistry(
  dir: string,
  users: readonly string[] = [],
): Promise<Program & { readonly host: string }> {
  const port = await freePort();
  await mkdir(dir, { recursive: true });
  const config = join(dir, 'registry.yml');
  const storage = `storage: {filesystem: {rootdirectory: ${join(dir, 'data')}}, delete: {enabled: true}}`;
  const http = `http: {addr: "127.0.0.1:${port}"}`;
  const passwords = join(dir, 'htpasswd');
  await writeFile(passwords, `${users.join('\n')}\n`);
  const auth = users.length === 0 ? '' : `auth: {htpasswd: {realm: test, path: ${passwords}}}\n`;
  await writeFile(config, `version: 0.1\nlog: {level: error}\n${storage}\n${http}\n${auth}`);
  const child = spawn('docker-registry', ['serve', config], { env: process.env, stdio: 'ignore' });
  await until('docker-registry to listen', () => answers({ host: '127.0.0.1', port }));
  return { pid: child.pid ?? 0, host: `127.0.0.1:${port}`, [Symbol.asyncDispose]: () => end(child) };
}

const UNNEEDED = [
  'io.containerd.grpc.v1.cri',
  'io.containerd.snapshotter.v1.btrfs',
  'io.containerd.snapshotter.v1.zfs',
  'io.containerd.snapshotter.v1.aufs',
  'io.containerd.snapshotter.v1.devmapper',
];

/**
 * Debian's containerd on a root of its own: the peer.
 *
 * @param more - lines of TOML for the end of its config.
 * @param without - plugins that are not to be loaded, besides those that no test needs.
 * @param env - of its environment, and so of its shims', what is not as here.
 */
export async function startContainerd(
  dir: string,
  more: readonly string[] = [],
  without: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<Program & { readonly address: string }> {
  await mkdir(dir, { recursive: true });
  const address = join(dir, 'containerd.sock');
  const config = join(dir, 'config.toml');
  const text = [
    'version = 2',
    `root = "${join(dir, 'root')}"`,
    `state = "${join(dir, 'state')}"`,
    `disabled_plugins = ${JSON.stringify([...UNNEEDED, ...without])}`,
    `[grpc]\naddress = "${address}"`,
    `[ttrpc]\naddress = "${address}.ttrpc"`,
    ...more,
  ];
  await writeFile(config, `${text.join('\n')}\n`);
  const child = spawn('containerd', ['--config', config, '--log-level', 'error'], {
    env: { ...process.env, ...env },
    stdio: 'ignore',
  });
  await until('containerd to answer', async () => (await ctr(address, ['version'])).code === 0);
  return { pid: child.pid ?? 0, address, [Symbol.asyncDispose]: () => end(child) };
}

function answers(to: { host: string; port: number }): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(to);
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
