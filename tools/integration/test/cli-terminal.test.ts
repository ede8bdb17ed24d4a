import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { demoArchive, must, mustCtr, run, until } from '@stowage/testing';
import { CLI, mustStowage, stateOf } from '../cli.ts';
import { withDaemon } from '../suite.ts';

// A terminal that can be resized and typed into. It goes before the census, so its end is asked for first.
const socket = `stowage-test-${process.pid}`;
const tmux = (...args: string[]) => must('tmux', ['-L', socket, '-f', '/dev/null', ...args]);
const screen = () => tmux('capture-pane', '-p', '-t', 'main');
const type = (...keys: string[]) => tmux('send-keys', '-t', 'main', ...keys);

afterAll(async () => {
  await run('tmux', ['-L', socket, 'kill-server']);
  await rm(`/tmp/tmux-${process.getuid?.()}/${socket}`, { force: true });
});

const suite = withDaemon('cli-terminal');
const IMAGE = 'example.org/demo:1';
const command = (args: string) => {
  const { address } = suite.daemon;
  return `STOWAGE_CLI_STATE='${stateOf(address)}' '${process.execPath}' '${CLI}' -a '${address}' ${args}`;
};

beforeAll(async () => {
  const archive = await demoArchive(join(suite.dir, 'image'), IMAGE);
  await mustCtr(suite.daemon.address, ['images', 'import', archive]);
}, 60_000);

/** Runs a command on a terminal of its own. */
const onTerminal = (args: string, input = '') =>
  run('script', ['-qec', command(args), '/dev/null'], { env: { TERM: 'xterm' }, input });

test('run -it is a terminal, and takes its input', async () => {
  const { code, stdout } = await onTerminal(`run -it --rm ${IMAGE} sh`, 'test -t 0 && echo y"e"s; exit 6\n');
  expect(code).toBe(6);
  expect(stdout).toContain('yes\r\n');
});

test('run -t without -i runs to its end', async () => {
  const { code, stdout } = await onTerminal(`run -t --rm ${IMAGE} sh -c 'test -t 1; echo $? $TERM'`);
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/0 xterm\r*\n/) });
});

test('run -it without a terminal here works all the same, and its input ends', async () => {
  const args = ['-c', `echo 'echo from a pipe' | ${command(`run -it --rm ${IMAGE} sh`)}`];
  const { code, stdout } = await run('sh', args);
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('from a pipe\r\n') });
  const file = await run('sh', ['-c', `${command(`run -t --rm ${IMAGE} echo x`)} < /etc/passwd`]);
  expect(file).toMatchObject({ code: 0, stdout: 'x\r\n', stderr: '' });
});

beforeAll(async () => {
  await tmux('new-session', '-d', '-s', 'main', '-x', '90', '-y', '30', 'PS1="ours: " sh');
  await until('the shell', async () => (await screen()).includes('ours:'));
});

test('size, keys and what is drawn pass as they are, and the terminal is given back', async () => {
  await type(command(`run -it --rm ${IMAGE} sh -c "stty size; PS1='theirs: ' sh"`), 'Enter');
  await until('the first size', async () => /^30 90\n(.*\n)*theirs:/m.test(await screen()));
  await tmux('resize-window', '-t', 'main', '-x', '120', '-y', '40');
  await until('the new size', async () => {
    await type('clear; stty size', 'Enter');
    await new Promise((resolve) => setTimeout(resolve, 200));
    return /^40 120$/m.test(await screen());
  });
  // A line feed alone moves down and not to the left, as programs that draw rely on.
  await type("clear; stty -opost; echo -n 'a'; printf '\\n'; echo -n 'b'; stty opost; echo", 'Enter');
  await until('the stairs', async () => /^.*a\n {1,}b/m.test(await screen()));
  await type('clear; sleep 50', 'Enter');
  await new Promise((resolve) => setTimeout(resolve, 300));
  await type('C-c');
  await type('', 'exit 0', 'Enter');
  await until('our shell again', async () => /ours: *\n*$/.test(await screen()));
  await type('clear; stty -a', 'Enter');
  await until('its settings', async () => /(?<!-)icanon.*(?<!-)echo /s.test(await screen()));
  expect(await screen()).toMatch(/(?<!-)opost/);
  expect(await mustStowage(suite.daemon.address, ['ps', '-aq'])).toBe('');
});

test('exec -it in a container that has no terminal', async () => {
  await mustStowage(suite.daemon.address, ['run', '-d', '--name', 'plain', IMAGE, 'sleep', '100']);
  const { code, stdout } = await onTerminal('exec -it plain sh', 'test -t 0 && echo y"e"s $TERM; exit 2\n');
  expect({ code, stdout }).toEqual({ code: 2, stdout: expect.stringContaining('yes xterm\r\n') });
  await mustStowage(suite.daemon.address, ['rm', '-f', 'plain']);
});

test('a pull on a terminal that fails leaves the terminal in order', async () => {
  const { code, stdout } = await onTerminal('pull 127.0.0.1:1/x');
  expect({ code, stdout }).toEqual({ code: 1, stdout: expect.stringContaining('connection refused') });
});
