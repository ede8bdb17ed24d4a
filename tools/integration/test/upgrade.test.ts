import { cp, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { beforeAll, expect, test } from '@jest/globals';
import { connect } from '@stowage/client';
import { withArgs, withTty } from '@stowage/oci-spec';
import { Daemon, demoArchive, mustCtr, until } from '@stowage/testing';
import { withTempDir } from '../suite.ts';

const IMAGE = 'example.org/demo:1';
const ROOT = join(import.meta.dirname, '../../..');
const TEST_MS = 120_000;

const suite = withTempDir('upgrade');
let daemon: Daemon;
const c = (...args: string[]) => mustCtr(daemon.address, args);

/** Installs a release: the bundle, with a supervisor that differs from others by its name alone. */
async function install(release: string): Promise<void> {
  const directory = join(suite.dir, 'releases', release);
  await cp(join(ROOT, 'apps/daemon/dist/bundle'), directory, { recursive: true });
  const supervisor = join(directory, 'stowage-supervisor.js');
  await writeFile(supervisor, `${await readFile(supervisor, 'utf8')}\n// release ${release}\n`);
}

/** Makes a release the one that is started next. */
async function choose(release: string): Promise<void> {
  const link = join(suite.dir, 'releases/current');
  await rm(`${link}.new`, { force: true });
  await symlink(release, `${link}.new`);
  await rename(`${link}.new`, link);
}

/** The old release is removed under the supervisor that runs. */
async function upgrade(from: string, to: string, signal: NodeJS.Signals): Promise<void> {
  await install(to);
  await choose(to);
  await daemon.stop(signal);
  await rm(join(suite.dir, 'releases', from), { recursive: true });
  await daemon.start();
}

const runtimeState = () => join(daemon.state, 'stowage.runtime.v1.runc');
const namesIn = (name: string) => readdir(join(runtimeState(), name));

beforeAll(async () => {
  await mkdir(join(suite.dir, 'releases'));
  await symlink(join(ROOT, 'node_modules'), join(suite.dir, 'releases/node_modules'));
  await writeFile(join(suite.dir, 'releases/package.json'), '{"type":"module"}\n');
  await install('1');
  await choose('1');
  daemon = await Daemon.start({ dir: suite.dir, entry: join(suite.dir, 'releases/current/stowaged.js') });
  await c('images', 'import', await demoArchive(join(suite.dir, 'image'), IMAGE));
}, TEST_MS);
suite.before(async () => {
  await daemon[Symbol.asyncDispose]();
});

test(
  'containers of before an upgrade stay with the old supervisor, and what comes after has the new one',
  async () => {
    await c('run', '-d', IMAGE, 'old', '/bin/sleep', '1000');
    await using before = connect(daemon.address, { namespace: suite.namespace });
    const container = await before.createContainer({
      id: 'tty',
      image: await before.image(IMAGE),
      spec: [
        withArgs('/bin/sh', '-c', 'stty -echo; echo ready; while read x; do echo "<$x>"; done; exit 7'),
        withTty({ width: 80, height: 24 }),
      ],
    });
    const [stdin, output] = [new PassThrough(), new PassThrough()];
    let shown = '';
    output.on('data', (chunk: Buffer) => {
      shown += chunk.toString();
    });
    const task = await container.createTask({ io: { stdin, stdout: output, terminal: true } });
    await task.start();
    await until('the first line', () => shown.includes('ready'));
    const [oldBuild = ''] = await namesIn('supervisor');
    const [oldPid = 0] = await daemon.supervisors();

    await upgrade('1', '2', 'SIGTERM');
    expect(await daemon.supervisors()).toEqual([oldPid]);
    await c('run', '-d', IMAGE, 'new', '/bin/sleep', '1000');
    expect(await namesIn('supervisor')).toHaveLength(2);
    expect(await daemon.supervisors()).toHaveLength(2);
    const listed = await c('tasks', 'ls');
    for (const id of ['old', 'tty', 'new']) expect(listed).toMatch(new RegExp(`${id}\\s+\\d+\\s+RUNNING`));
    expect(await c('tasks', 'exec', '--exec-id', 'e', 'old', '/bin/echo', 'hello')).toBe('hello\n');
    stdin.write('one\n');
    await until('an answer', () => shown.includes('<one>'));

    // In the middle of the change everything but the containers is killed.
    await daemon.stop('SIGKILL');
    process.kill(oldPid, 'SIGKILL');
    await daemon.start();
    expect(await namesIn('supervisor')).toHaveLength(1);
    expect(await namesIn('supervisor')).not.toContain(oldBuild);
    expect(await c('tasks', 'ls')).toMatch(/old\s+\d+\s+RUNNING/);
    expect(await c('tasks', 'exec', '--exec-id', 'e', 'old', '/bin/echo', 'again')).toBe('again\n');
    // Only the death of both loses a terminal.
    await using after = connect(daemon.address, { namespace: suite.namespace });
    await after.services.tasks.wait({ containerId: 'tty' });
    await after.services.tasks.delete('tty');
    await task[Symbol.asyncDispose]();
    await (await after.container('tty')).delete();
    for (const id of ['old', 'new']) await remove(id);
    expect(await namesIn('program')).toEqual(await namesIn('supervisor'));
  },
  TEST_MS,
);

test(
  'the old supervisor goes with its last container, with its directory and program',
  async () => {
    await c('run', '-d', IMAGE, 'a', '/bin/sh', '-c', 'sleep 1000');
    const [old = ''] = await namesIn('supervisor');
    await upgrade('2', '3', 'SIGKILL');
    await c('run', '-d', IMAGE, 'b', '/bin/sleep', '1000');
    expect(await namesIn('supervisor')).toContain(old);
    await remove('a');
    await until('the old one to go', async () => !(await namesIn('supervisor')).includes(old));
    await until('its program to go', async () => !(await namesIn('program')).includes(old));
    expect(await daemon.supervisors()).toHaveLength(1);
    await remove('b');
  },
  TEST_MS,
);

async function remove(id: string): Promise<void> {
  await c('tasks', 'kill', '--signal', 'SIGKILL', id);
  await until('the end', async () => new RegExp(`${id}\\s+\\d+\\s+STOPPED`).test(await c('tasks', 'ls')));
  await c('tasks', 'delete', id).catch(() => '');
  await c('containers', 'delete', id);
}
