import { appendFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { demoArchive, mustCtr, must as mustRun, run, until } from '@stowage/testing';
import { beginStowage, CLI, mustStowage, stateOf, stowage } from '../cli.ts';
import { withDaemon } from '../suite.ts';

// It goes before the census, so its end is asked for first.
const socket = `stowage-logs-${process.pid}`;
const tmux = (...args: string[]) => mustRun('tmux', ['-L', socket, '-f', '/dev/null', ...args]);
const screen = () => tmux('capture-pane', '-p', '-t', 'main');
const type = (...keys: string[]) => tmux('send-keys', '-t', 'main', ...keys);
afterAll(async () => {
  await run('tmux', ['-L', socket, 'kill-server']);
  await rm(`/tmp/tmux-${process.getuid?.()}/${socket}`, { force: true });
});

const suite = withDaemon('cli-logs');
const IMAGE = 'example.org/demo:1';
const must = (...args: string[]) => mustStowage(suite.daemon.address, args);
const cli = (...args: string[]) => stowage(suite.daemon.address, args);
/** Prints what is typed into its file; ends at the word. */
const says = (id: string, what: string) => must('exec', id, 'sh', '-c', `echo ${what} >> /said`);
const ECHO = [
  'sh',
  '-c',
  'touch /said; busybox tail -f /said & while ! busybox grep -q bye /said; do sleep 0.05; done',
];

async function logOf(id: string): Promise<string> {
  const state = stateOf(suite.daemon.address);
  const [daemon = ''] = await readdir(state);
  return join(state, daemon, suite.namespace, id, 'log');
}

beforeAll(async () => {
  const archive = await demoArchive(join(suite.dir, 'image'), IMAGE);
  await mustCtr(suite.daemon.address, ['images', 'import', archive]);
}, 60_000);

test('what a container printed, each stream to its own, its last lines, with times', async () => {
  await must('run', '-d', '--name', 'done', IMAGE, 'sh', '-c', 'seq 1 5; echo oops >&2; busybox printf end');
  await must('wait', 'done');
  const whole = { code: 0, stdout: '1\n2\n3\n4\n5\nend', stderr: 'oops\n' };
  await until('all of it', async () => (await cli('logs', 'done')).stdout.endsWith('end'));
  expect(await cli('logs', 'done')).toMatchObject(whole);
  // Ends by itself, since the container has ended.
  expect(await cli('logs', '-f', 'done')).toMatchObject(whole);
  expect(await must('logs', '--tail', '3', 'done')).toMatch(/^5\nend$|^4\n5\nend$/);
  expect(await must('logs', '-n', '0', 'done')).toBe('');
  expect((await must('logs', '-t', 'done')).split('\n')[0]).toMatch(
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z 1$/,
  );
  expect(await must('logs', '--since', '1h', 'done')).toBe(whole.stdout);
  expect(await must('logs', '--until', '1h', 'done')).toBe('');
  expect(await must('logs', '--since', new Date(Date.now() + 60_000).toISOString(), 'done')).toBe('');
  expect(await cli('logs', '--since', 'soon', 'done')).toMatchObject({ code: 1 });
  await must('rm', 'done');
  expect(await cli('logs', 'done')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('stowage ps -a'),
  });
}, 40_000);

test('-f goes on while the daemon and the supervisor are replaced, and while the log is put aside', async () => {
  const bound = ['--log-opt', 'max-size=64k', '--log-opt', 'max-file=3'];
  const script =
    'i=0; while [ ! -e /stop ]; do i=$((i+1)); echo line $i; busybox usleep 1000; done; echo last';
  await must('run', '-d', '--name', 'long', ...bound, IMAGE, 'sh', '-c', script);
  const following = beginStowage(suite.daemon.address, ['logs', '-f', 'long']);
  const seen = () => Number(/line (\d+)\n.*$/.exec(following.out().slice(-40))?.[1] ?? 0);
  await until('the first lines', async () => seen() > 100);
  await suite.daemon.stop('SIGKILL');
  const before = seen();
  await until('lines without a daemon', async () => {
    const log = await mustRun('tail', ['-n', '1', await logOf('long')]);
    return Number(/line (\d+)/.exec(log)?.[1] ?? 0) > before + 100;
  });
  await suite.daemon.start();
  const again = beginStowage(suite.daemon.address, ['logs', '-f', '--tail', '1', 'long']);
  const [pid = 0] = await suite.daemon.supervisors();
  process.kill(pid, 'SIGKILL');
  await until('another supervisor', async () => {
    const [other] = await suite.daemon.supervisors();
    return other !== undefined && other !== pid;
  });
  await until(
    'a log that was put aside',
    async () => (await readdir(join(await logOf('long'), '..'))).length === 3,
  );
  await must('exec', 'long', 'touch', '/stop');
  expect(await again.end).toMatchObject({ code: 0 });
  const numbers = again
    .out()
    .split('\n')
    .slice(0, -2)
    .map((line) => Number(line.slice(5)));
  expect(again.out().split('\n').slice(-2)).toEqual(['last', '']);
  const gaps = numbers.slice(1).filter((n, i) => n !== (numbers[i] ?? 0) + 1);
  // What the supervisor that was killed had in its hands.
  expect(gaps.length).toBeLessThanOrEqual(1);
  await following.end;
  await must('rm', 'long');
}, 60_000);

test('a reader that stands still holds up nothing', async () => {
  await must('run', '-d', '--name', 'much', IMAGE, 'sh', '-c', 'seq 1 200000; echo all');
  const reader = beginStowage(suite.daemon.address, ['logs', '-f', 'much']);
  reader.child.stdout?.pause();
  expect(await must('wait', 'much')).toBe('0\n');
  reader.child.stdout?.resume();
  await reader.end;
  expect(reader.out().endsWith('200000\nall\n')).toBe(true);
  expect(reader.out()).toHaveLength(1_288_895 + 4);
  await must('rm', 'much');
}, 40_000);

test('long lines and parts of lines come out as they went in', async () => {
  const script = 'busybox head -c 50000 /dev/zero | tr "\\0" x; echo; busybox printf "a"; sleep 0.2; echo b';
  await must('run', '-d', '--name', 'parts', IMAGE, 'sh', '-c', script);
  await must('wait', 'parts');
  const text = `${'x'.repeat(50_000)}\nab\n`;
  await until('all of it', async () => (await must('logs', 'parts')).endsWith('b\n'));
  expect(await must('logs', 'parts')).toBe(text);
  expect((await must('logs', '-t', 'parts')).match(/Z /g)).toHaveLength(2);
  expect(await must('logs', '-n', '1', 'parts')).toBe('ab\n');
  await must('rm', 'parts');
}, 40_000);

test('a log without times, as containerd’s runtime keeps it, is shown as it is, and that is said', async () => {
  await must('run', '-d', '--name', 'plain', IMAGE, 'true');
  await must('wait', 'plain');
  const log = await logOf('plain');
  await writeFile(log, 'one\ntwo\n');
  expect(await cli('logs', '-n', '1', 'plain')).toMatchObject({ stdout: 'two\n', stderr: '' });
  expect(await cli('logs', '-t', '--since', '1s', 'plain')).toMatchObject({
    ...{ code: 0, stdout: 'one\ntwo\n', stderr: expect.stringContaining('this log has no times') },
  });
  await rename(log, `${log}.1`);
  await appendFile(log, 'three\n');
  expect(await must('logs', 'plain')).toBe('one\ntwo\nthree\n');
  expect(await must('logs', '-n', '2', 'plain')).toBe('two\nthree\n');
  await must('rm', 'plain');
}, 30_000);

test('none are kept with --log-driver none; a label of somebody else’s leads to no removal', async () => {
  await must('run', '-d', '--name', 'mute', '--log-driver', 'none', IMAGE, 'echo', 'x');
  expect(await cli('logs', 'mute')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('none are kept'),
  });
  await must('wait', 'mute');
  await must('rm', 'mute');
  const precious = join(suite.dir, 'precious');
  await writeFile(precious, 'kept');
  const label = `stowage.cli/log=file://${precious}`;
  await must('create', '--name', 'evil', '-l', label, IMAGE, 'true');
  await must('rm', 'evil');
  expect(await readdir(suite.dir)).toContain('precious');
}, 30_000);

test('attach shows what comes from now on, and ends with the exit code', async () => {
  await must('run', '-d', '--name', 'spoken', IMAGE, ...ECHO);
  await says('spoken', 'before');
  await until('it to be in the log', async () => (await must('logs', 'spoken')).includes('before'));
  const attached = beginStowage(suite.daemon.address, ['attach', 'spoken']);
  await until('what comes', async () => {
    await says('spoken', 'after');
    return attached.out().includes('after');
  });
  expect(attached.out()).not.toContain('before');
  await says('spoken', 'bye');
  expect(await attached.end).toMatchObject({ code: 0 });
  expect(await cli('attach', 'spoken')).toMatchObject({
    code: 125,
    stderr: expect.stringContaining('it is stopped'),
  });
  await must('rm', 'spoken');
}, 40_000);

test('an input that run -d -i keeps open is that of whoever attaches', async () => {
  await must('run', '-di', '--name', 'asks', IMAGE, 'sh', '-c', 'read x; echo "got $x"; exit 4');
  expect(await stowage(suite.daemon.address, ['attach', 'asks'], { input: 'this\n' })).toMatchObject({
    code: 4,
  });
  await until('the answer', async () => (await must('logs', 'asks')).includes('got this'));
  await must('rm', 'asks');
}, 30_000);

test.each(['run -it', 'run -dit'])(
  '%s: ctrl-p ctrl-q lets go of a terminal, and attach has it back',
  async (verb) => {
    const { address } = suite.daemon;
    const command = `STOWAGE_CLI_STATE='${stateOf(address)}' '${process.execPath}' '${CLI}' -a '${address}'`;
    await tmux('new-session', '-d', '-s', 'main', '-x', '100', '-y', '30', 'PS1="ours: " sh');
    await until('the shell', async () => (await screen()).includes('ours:'));
    const name = verb.replace(/\W+/g, '-');
    await type(`${command} ${verb} --name ${name} ${IMAGE} sh -c "PS1='theirs: ' sh"`, 'Enter');
    if (verb.includes('d')) {
      await until('it to run', async () => (await must('ps', '-q')).includes(name));
      await type(`clear; ${command} attach ${name}`, 'Enter');
      await new Promise((resolve) => setTimeout(resolve, 1500));
      await type('', 'Enter');
    }
    await until('their prompt', async () => /^theirs:/m.test(await screen()));
    await type('X=kept; clear', 'Enter');
    await type('C-p', 'C-q');
    await until('our prompt', async () => /runs on(.|\n)*ours: *\n*$/.test(await screen()));
    expect(await must('ps')).toMatch(new RegExp(`${name} .*running`));
    await type(`clear; ${command} attach ${name}`, 'Enter');
    await until('their prompt again', async () => {
      await type('echo =$X=', 'Enter');
      await new Promise((resolve) => setTimeout(resolve, 300));
      return (await screen()).includes('=kept=');
    });
    await type('exit 3', 'Enter');
    await until('our prompt again', async () => /ours: *\n*$/.test(await screen())).catch(async (e) => {
      throw new Error(await screen(), { cause: e });
    });
    await type('echo "code" $?', 'Enter');
    await until('its exit code', async () => (await screen()).includes('code 3'));
    await must('rm', name);
    await type('exit', 'Enter');
    await until(
      'the end of the shell',
      async () => (await run('tmux', ['-L', socket, 'has-session'])).code !== 0,
    );
  },
  60_000,
);
