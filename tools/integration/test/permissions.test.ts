import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { demoArchive, must, mustCtr, run } from '@stowage/testing';
import { withDaemon } from '../suite.ts';

const suite = withDaemon('permissions', { umask: 0 });
const IMAGE = 'example.org/demo:1';

/** Runs a shell line as a user who owns nothing here. */
const asStranger = (line: string) =>
  run('setpriv', ['--reuid', '1000', '--regid', '1000', '--clear-groups', 'sh', '-c', line]);

beforeAll(async () => {
  await chmod(suite.dir, 0o755);
  const archive = await demoArchive(join(suite.dir, 'image'), IMAGE);
  await mustCtr(suite.daemon.address, ['images', 'import', archive]);
  await mustCtr(suite.daemon.address, ['run', '-d', IMAGE, 'kept', '/bin/sleep', '300']);
  await mustCtr(suite.daemon.address, ['content', 'ls']);
}, 60_000);

test('under umask 000 a stranger can list nothing of root and state', async () => {
  const { root, state } = suite.daemon;
  for (const dir of [root, state]) {
    const listed = await asStranger(`ls -A ${dir}`);
    expect(listed.code).not.toBe(0);
    expect(listed.stdout).toBe('');
  }
  const all = await must('find', [root, state, '-type', 'd']);
  const readable = await asStranger(
    `while read -r d; do test -r "$d" && echo "$d"; done <<'EOF'\n${all}EOF\n`,
  );
  expect(readable.stdout).toBe('');
});

test('under umask 000 a stranger can open no file', async () => {
  const { root, state } = suite.daemon;
  const all = await must('find', [root, state, '-not', '-type', 'd']);
  expect(all.split('\n').length).toBeGreaterThan(20);
  const open = await asStranger(
    `while read -r f; do test -r "$f" -o -w "$f" -o -x "$f" && echo "$f"; done <<'EOF'\n${all}EOF\n`,
  );
  expect(open.stdout).toBe('');
});

test('a stranger can connect to no socket', async () => {
  const sockets = (await must('find', [suite.daemon.root, suite.daemon.state, '-type', 's']))
    .trim()
    .split('\n');
  expect(sockets).toEqual(expect.arrayContaining([suite.daemon.address, `${suite.daemon.address}.ttrpc`]));
  for (const socket of sockets) {
    const { code, stderr } = await asStranger(`curl --silent --show-error --unix-socket ${socket} http://x/`);
    expect(code).toBe(7);
    expect(stderr).toMatch(/connect|permission/i);
  }
});

test('no socket of ours is abstract', async () => {
  expect(await must('cat', ['/proc/net/unix'])).not.toMatch(/@.*stowage/);
});

test('the container ends', async () => {
  await mustCtr(suite.daemon.address, ['tasks', 'kill', '-s', 'SIGKILL', 'kept']);
  const deleted = await run('ctr', ['--address', suite.daemon.address, 'tasks', 'delete', 'kept']);
  expect(deleted.stderr).toContain('exit code 137');
  await mustCtr(suite.daemon.address, ['containers', 'rm', 'kept']);
});
