import { execFileSync } from 'node:child_process';
import { constants, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { close, open } from '../src/index.ts';
import { Poller } from '../src/poller.ts';
import { reapKnown } from '../src/reap.ts';
import { type SpawnOptions, spawnProcess } from '../src/spawn.ts';
import { tempDir } from './fixtures/temp.ts';

async function run(options: Partial<SpawnOptions>) {
  using temp = tempDir();
  const path = join(temp.path, 'out');
  const out = open(path, 0o1101, 0o600);
  await using poller = new Poller({ ref: true });
  const pid = spawnProcess({ file: 'sh', args: [], env: {}, fds: [null, out, out], ...options });
  close(out);
  using watch = poller.watchPid(pid);
  await watch.exited;
  return { end: reapKnown(pid), output: readFileSync(path, 'utf8') };
}

test('a child gets its arguments, environment and descriptors, and no other', async () => {
  const script = 'echo "$0" "$1"; env; ls -m /proc/$$/fd; exit 7';
  const { output, end } = await run({
    args: ['-c', script, 'a b', 'ü'],
    env: { A: 'x=y' },
    closeOthers: true,
  });
  const lines = output.split('\n').filter((line) => !/^(PWD|OLDPWD|SHLVL|_|PATH)=/.test(line));
  expect(lines).toEqual(['a b ü', 'A=x=y', '0, 1, 2', '']);
  expect(end).toMatchObject({ exited: true, status: 7 });
});

test('descriptors may be given under each other’s numbers', async () => {
  using temp = tempDir();
  const files = ['a', 'b', 'out'].map((name) => {
    const path = join(temp.path, name);
    writeFileSync(path, name === 'out' ? '' : name);
    return open(path, name === 'out' ? constants.O_WRONLY : constants.O_RDONLY);
  });
  const [a = 0, b = 0, out = 0] = files;
  const fds: (number | null)[] = Array(Math.max(a, b) + 1).fill(null);
  fds[1] = out;
  fds[a] = b;
  fds[b] = a;
  const { output } = await run({ args: ['-c', `cat /dev/fd/${a} /dev/fd/${b}`], fds });
  expect(output).toBe('');
  expect(readFileSync(join(temp.path, 'out'), 'utf8')).toBe('ba');
  for (const fd of files) close(fd);
});

test('signals are as a new process expects them, though node ignores SIGPIPE', async () => {
  const { output } = await run({ file: 'grep', args: ['-E', 'Sig(Blk|Ign)', '/proc/self/status'] });
  expect(output).toBe('SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n');
});

test('what a process was given by accident is kept from its child where asked', () => {
  const fixture = fileURLToPath(new URL('./fixtures/spawner.ts', import.meta.url));
  // Above those that node looks after by itself.
  const command = `exec 200</dev/null; exec ${process.execPath} --conditions=stowage-source ${fixture}`;
  const output = execFileSync('bash', ['--norc', '-c', command], { encoding: 'utf8', env: {} });
  const [all, kept] = output.split('\n');
  expect(all?.split(', ')).toContain('200');
  expect(kept).toBe('0, 1, 2');
});

test('a program that is not there is ENOENT, one that may not be run EACCES', async () => {
  await expect(run({ file: 'no-such-program' })).rejects.toMatchObject({
    code: 'ENOENT',
    syscall: 'posix_spawn',
  });
  await expect(run({ file: '/etc/passwd' })).rejects.toMatchObject({ code: 'EACCES' });
});

test('a new session is one', async () => {
  const { output } = await run({ args: ['-c', 'cat /proc/$$/stat; echo $$'], newSession: true });
  const [stat = '', pid] = output.trim().split('\n');
  expect(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3]).toBe(pid);
});
