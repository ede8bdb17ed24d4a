import { execFile, spawn } from 'node:child_process';
import { cp, mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { Task } from '@stowage/api/task/v2';
import { Events } from '@stowage/api/ttrpc/events/v1';
import { rpcClient, serviceRoutes } from '@stowage/rpc';
import { ttrpcTransport } from '../src/index.ts';
import { serve } from './fixture.ts';

const run = promisify(execFile);

/** A bundle of one static program, as the daemon would lay it out for a shim. */
async function bundle(dir: string, args: readonly string[]) {
  const path = join(dir, 'bundle');
  await mkdir(join(path, 'rootfs', 'bin'), { recursive: true });
  await cp('/usr/bin/busybox', join(path, 'rootfs', 'bin', 'busybox'));
  await run('runc', ['spec'], { cwd: path });
  const spec = JSON.parse(await readFile(join(path, 'config.json'), 'utf8'));
  Object.assign(spec.process, { terminal: false, args });
  await writeFile(join(path, 'config.json'), JSON.stringify(spec));
  await run('mkfifo', [join(path, 'log')]);
  return path;
}

// containerd's own shim, in Go, at the other end of both: our client calls it, and it calls our server.
test('a real shim runs a container for us and reports its events', async () => {
  const topics: string[] = [];
  const events = serviceRoutes(Events, {
    forward({ envelope }) {
      topics.push(`${envelope?.namespace} ${envelope?.topic}`);
      return {};
    },
  });
  await using s = await serve([events]);
  const path = await bundle(s.dir, ['/bin/busybox', 'sh', '-c', 'echo out; exit 7']);
  const reader = spawn('cat', [join(path, 'log')], { stdio: 'ignore' });
  const flags = [
    '-namespace',
    'ttrpc-test',
    '-id',
    'c1',
    '-address',
    '/none',
    '-publish-binary',
    '/bin/false',
  ];
  const env = { ...process.env, TTRPC_ADDRESS: s.path };
  const starting = run('containerd-shim-runc-v2', [...flags, 'start'], { cwd: path, env });
  starting.child.stdin?.end(); // it reads options from there
  const { stdout } = await starting;
  await using transport = ttrpcTransport({ path: stdout.trim() });
  const task = rpcClient(Task, transport, { namespace: 'ttrpc-test' });
  try {
    await expect(task.state({ id: 'c1' })).rejects.toMatchObject({ kind: 'not_found' });
    const out = join(s.dir, 'out');
    await (await open(out, 'w')).close();
    const created = await task.create({
      id: 'c1',
      bundle: path,
      stdout: `file://${out}`,
      stderr: `file://${out}`,
    });
    expect(created.pid).toBeGreaterThan(0);
    const exited = task.wait({ id: 'c1' });
    await task.start({ id: 'c1' });
    expect((await exited).exitStatus).toBe(7);
    await expect(task.kill({ id: 'c1', signal: 9 })).rejects.toMatchObject({ kind: 'not_found' });
    await task.delete({ id: 'c1' });
    expect(await readFile(out, 'utf8')).toBe('out\n');
    const wanted = ['create', 'start', 'exit', 'delete'].map((it) => `ttrpc-test /tasks/${it}`);
    while (topics.length < wanted.length) await delay(10);
    expect(topics).toEqual(wanted);
  } finally {
    await task.shutdown({ id: 'c1', now: true }).catch(() => {}); // it is gone before it answers
    reader.kill();
    await rm(stdout.trim().replace('unix://', ''), { force: true });
  }
});
