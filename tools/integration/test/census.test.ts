// What the tests of a file may not leave behind, held to being found, and what is others' held to being let alone.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, open, rmdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { type Census, end, leaks, must, takeCensus, tempDir, until } from '@stowage/testing';
import { withTempDir } from '../suite.ts';

const suite = withTempDir('census');
const CGROUPS = ['/sys/fs/cgroup/pids', '/sys/fs/cgroup'];
let before: Census;

const grounds = () => ({ dir: suite.dir, namespace: suite.namespace });
const left = async () => leaks(before, await takeCensus(grounds()));
const nothingIsLeft = () => until('nothing is left', async () => (await left()).length === 0);

beforeAll(async () => {
  before = await takeCensus(grounds());
});

/** A process that is no child of this one's, as daemons and shims are. */
async function orphan(script: string, env: Readonly<Record<string, string>> = {}): Promise<number> {
  const sh = `setsid ${script} >/dev/null 2>&1 & echo $!`;
  return Number(await must('sh', ['-c', sh], { env }));
}

const processes = async (pid: number | undefined) =>
  (await left()).filter((line) => line.startsWith('processes: ') && line.endsWith(`(pid ${pid})`));

test('processes: a child, one that names the folder, one of the environment, one in a cgroup of the namespace', async () => {
  const child: ChildProcess = spawn('sleep', ['60'], { env: {}, stdio: 'ignore' });
  await writeFile(join(suite.dir, 'script'), 'sleep 60; exit\n');
  const elsewhere = { CONTAINERD_NAMESPACE: 'elsewhere' };
  const named = await orphan(`sh ${join(suite.dir, 'script')}`, elsewhere);
  const marked = await orphan('sleep 60');
  const others = await orphan('sleep 60', elsewhere);
  try {
    await until('the programs', async () => (await processes(named)).length === 1);
    for (const pid of [child.pid, named, marked]) expect(await processes(pid)).toHaveLength(1);
    expect(await processes(others)).toEqual([]);
  } finally {
    await end(child);
    for (const pid of [-named, marked, others]) process.kill(pid);
  }
  await nothingIsLeft();
});

test('cgroups of containers, at any depth, and what runs in them, though nothing else tells whose it is', async () => {
  const base = await firstWritable(CGROUPS);
  const namespace = join(base, suite.namespace);
  const container = join(namespace, 'left', 'below');
  await mkdir(container, { recursive: true });
  const pid = await orphan('sleep 60', { CONTAINERD_NAMESPACE: 'elsewhere' });
  try {
    await writeFile(join(container, 'cgroup.procs'), String(pid));
    expect(await processes(pid)).toHaveLength(1);
    const lines = await left();
    expect(lines).toContain(`cgroups: ${join(namespace, 'left')}`);
    expect(lines).toContain(`cgroups: ${container}`);
    // That of the namespace stays after a container, whatever runs it.
    expect(lines).not.toContain(`cgroups: ${namespace}`);
  } finally {
    process.kill(pid);
    await until('the cgroup to be empty', () =>
      rmdir(container).then(
        () => true,
        () => false,
      ),
    );
    await rmdir(join(namespace, 'left'));
  }
  await nothingIsLeft();
});

async function firstWritable(paths: readonly string[]): Promise<string> {
  for (const path of paths) {
    const probe = join(path, suite.namespace);
    const made = await mkdir(probe).then(
      () => true,
      () => false,
    );
    if (made) return path;
  }
  throw new Error(`no cgroup can be made in ${paths.join(' or ')}`);
}

test('mounts below the folder, and mounts elsewhere of what lies in it', async () => {
  await using elsewhere = await tempDir('census-elsewhere');
  const [inside, source] = [join(suite.dir, 'mounted'), join(suite.dir, 'source')];
  for (const dir of [inside, source]) await mkdir(dir);
  await must('mount', ['-t', 'tmpfs', 'tmpfs', inside]);
  await must('mount', ['--bind', source, elsewhere.path]);
  try {
    const lines = await left();
    expect(lines).toContain(`mounts: ${inside}`);
    expect(lines).toContain(`mounts: ${elsewhere.path}`);
  } finally {
    for (const path of [inside, elsewhere.path]) await must('umount', [path]);
  }
  await nothingIsLeft();
});

test('sockets, loop devices and descriptors', async () => {
  const socket = join(suite.dir, 'socket');
  const server = createServer().listen(socket);
  const image = join(suite.dir, 'image');
  await writeFile(image, Buffer.alloc(1 << 20));
  const disk = (await must('losetup', ['--find', '--show', image])).trim();
  const descriptors = await Promise.all(Array.from({ length: 11 }, () => open(image)));
  try {
    const lines = await left();
    expect(lines).toContain(`sockets: ${socket}`);
    expect(lines).toContain(`disks: ${disk.split('/').at(-1)} of ${image}`);
    expect(lines).toContainEqual(expect.stringMatching(/^descriptors: 1\d more$/));
  } finally {
    for (const one of descriptors) await one.close();
    await must('losetup', ['--detach', disk]);
    await new Promise((resolve) => server.close(resolve));
  }
  await nothingIsLeft();
});

test('what others have beside is let alone: mounts, sockets, cgroups', async () => {
  await using other = await tempDir('census-other');
  const namespace = `${suite.namespace}x`;
  const base = await firstWritable(CGROUPS);
  const cgroup = join(base, namespace, 'container');
  await mkdir(cgroup, { recursive: true });
  const server = createServer().listen(join(other.path, 'socket'));
  const mounted = join(other.path, 'mounted');
  await mkdir(mounted);
  await must('mount', ['-t', 'tmpfs', 'tmpfs', mounted]);
  try {
    expect(await left()).toEqual([]);
    // Of them the same is found.
    const theirs = leaks(before, await takeCensus({ dir: other.path, namespace }));
    expect(theirs).toEqual([
      `mounts: ${mounted}`,
      `cgroups: ${cgroup}`,
      `sockets: ${join(other.path, 'socket')}`,
    ]);
  } finally {
    await must('umount', [mounted]);
    await new Promise((resolve) => server.close(resolve));
    await rmdir(cgroup);
    await rmdir(join(base, namespace));
  }
});
