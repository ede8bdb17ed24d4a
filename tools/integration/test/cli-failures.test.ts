import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { Daemon, demoArchive, mustCtr, tempDir, until } from '@stowage/testing';
import { beginStowage, mustStowage, stowage } from '../cli.ts';
import { withDaemon } from '../suite.ts';

const suite = withDaemon('cli-failures');
const IMAGE = 'example.org/demo:1';
const s = (...args: string[]) => stowage(suite.daemon.address, args);
const must = (...args: string[]) => mustStowage(suite.daemon.address, args);
const lines = (text: string) => text.trimEnd().split('\n');

beforeAll(async () => {
  const archive = await demoArchive(join(suite.dir, 'image'), IMAGE);
  await mustCtr(suite.daemon.address, ['images', 'import', archive]);
}, 60_000);

test.each([
  { args: ['run', '--rm', IMAGE, 'nope'], code: 127, says: /"nope": executable file not found/ },
  { args: ['run', '--rm', IMAGE, '/no/such'], code: 127, says: /no such file/ },
  { args: ['run', '--rm', IMAGE, '/etc/passwd'], code: 126, says: /permission denied/ },
  { args: ['run', '--pull', 'never', 'example.org/absent'], code: 125, says: /stowage pull/ },
  { args: ['run', '--bogus'], code: 125, says: /unknown option '--bogus'/ },
  { args: ['run'], code: 125, says: /missing required argument 'image'/ },
  { args: ['run', 'BAD'], code: 125, says: /must be lower-case/ },
  { args: ['run', '--memory', 'lots', IMAGE], code: 125, says: /such as 256m/ },
  { args: ['run', '-it', '--detach-keys', 'ctrl-', IMAGE], code: 125, says: /"ctrl-" is no key/ },
  { args: ['run', '-w', 'here', IMAGE], code: 125, says: /must be absolute/ },
  { args: ['exec', 'absent', 'ls'], code: 125, says: /stowage ps -a/ },
  { args: ['rm', 'absent'], code: 1, says: /container "absent": not found/ },
  { args: ['nonsense'], code: 1, says: /unknown command 'nonsense'/ },
  { args: ['pull', '127.0.0.1:1/x'], code: 1, says: /connection refused: is the registry up\?/ },
])('$args ends with $code and says why, in two lines at most', async ({ args, code, says }) => {
  const result = await s(...args);
  expect(result.code).toBe(code);
  expect(result.stderr).toMatch(says);
  expect(lines(result.stderr).length).toBeLessThanOrEqual(2);
  expect(result.stderr).not.toMatch(/\n {4}at /);
  expect(await must('ps', '-aq')).toBe('');
  expect(await mustCtr(suite.daemon.address, ['snapshots', 'ls'])).not.toContain('Active');
});

test.each([['ps'], ['images'], ['pull', 'busybox'], ['run', IMAGE], ['rm', '-f', 'a', 'b'], ['version']])(
  '%s without a daemon says what and what to do',
  async (...args: string[]) => {
    const { code, stderr } = await stowage(join(suite.dir, 'absent.sock'), args);
    expect(code).toBe(args[0] === 'run' ? 125 : 1);
    expect(lines(stderr)).toEqual([
      expect.stringMatching(/^stowage: connect to .*absent\.sock: there is no such socket/),
      'Start it with: stowaged. Or name another with --address.',
    ]);
  },
);

test('a failed exec is told once, and leaves the container as it was', async () => {
  await must('run', '-d', '--name', 'host', IMAGE, 'sleep', '100');
  const { code, stderr } = await s('exec', 'host', 'nope');
  expect(code).toBe(127);
  expect(stderr.match(/executable file not found/g)).toHaveLength(1);
  expect(await must('exec', 'host', 'echo', 'still')).toBe('still\n');
  await must('rm', '-f', 'host');
});

test('Ctrl-C during run is for the program', async () => {
  const program = 'trap "echo caught; exit 5" INT; echo up; while true; do sleep 0.05; done';
  const begun = beginStowage(suite.daemon.address, ['run', '--rm', IMAGE, 'sh', '-c', program]);
  await until('the program to be up', () => begun.out().includes('up'));
  begun.child.kill('SIGINT');
  expect(await begun.end).toMatchObject({ code: 5 });
  expect(begun.out()).toBe('up\ncaught\n');
});

test('three Ctrl-C kill a program that does not listen', async () => {
  const args = ['run', '--rm', IMAGE, 'sh', '-c', 'echo up; exec sleep 100'];
  const begun = beginStowage(suite.daemon.address, args);
  await until('the program to be up', () => begun.out().includes('up'));
  for (let i = 0; i < 3; i++) {
    begun.child.kill('SIGINT');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  expect(await begun.end).toMatchObject({ code: 137 });
  expect(begun.err()).toBe('stowage: once more to kill it\n');
  expect(await must('ps', '-aq')).toBe('');
});

test('a daemon that dies during run is told in two lines; the container is there for the next one', async () => {
  await using dir = await tempDir('cli-dying');
  await using daemon = await Daemon.start({ dir: dir.path });
  const archive = await demoArchive(join(suite.dir, 'again'), IMAGE);
  await mustCtr(daemon.address, ['images', 'import', archive]);
  const args = ['run', '--rm', '--name', 'orphan', IMAGE, 'sh', '-c', 'echo up; exec sleep 100'];
  const begun = beginStowage(daemon.address, args);
  await until('the program to be up', () => begun.out().includes('up'));
  await daemon.stop('SIGKILL');
  expect(await begun.end).toMatchObject({ code: 125 });
  expect(lines(begun.err()).length).toBeLessThanOrEqual(2);
  expect(begun.err()).not.toMatch(/\n {4}at /);
  const gone = await stowage(daemon.address, ['rm', '-f', 'orphan']);
  expect(gone).toMatchObject({ code: 1, stderr: expect.stringContaining('Start it with: stowaged') });
  await daemon.start();
  expect(await mustStowage(daemon.address, ['ps'])).toMatch(/orphan .*running/);
  expect(await mustStowage(daemon.address, ['rm', '-f', 'orphan'])).toBe('orphan\n');
}, 40_000);

test('--help of every command teaches by example', async () => {
  const all =
    (await must('--help')).match(/^ {2}(\w+) .*$/gm)?.map((line) => line.trim().split(' ')[0]) ?? [];
  const commands = all.filter((name) => name !== 'help' && name !== 'stowage');
  expect(commands).toEqual(expect.arrayContaining(['run', 'exec', 'ps', 'rm', 'pull', 'images', 'version']));
  for (const name of commands) {
    const { code, stdout } = await s(name ?? '', '--help');
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`Examples:\\n.*stowage .*${name}`));
  }
});
