import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { demoArchive, must, run } from '@stowage/testing';
import { CLI, mustStowage, stateOf } from '../cli.ts';
import { Tmux } from '../on-tmux.ts';
import { withDaemon } from '../suite.ts';

const terminals = ['bash', 'zsh'].map((shell) => ({ shell, terminal: new Tmux(shell) }));
// They go before the census, so their ends are asked for first.
afterAll(async () => {
  for (const { terminal } of terminals) await terminal[Symbol.asyncDispose]();
});

const suite = withDaemon('cli-completion');
const IMAGE = 'example.org:5000/demo:1';
const path = () => `${suite.dir}:${process.env.PATH}`;

beforeAll(async () => {
  const { address } = suite.daemon;
  const file = join(suite.dir, 'stowage');
  const env = `STOWAGE_ADDRESS='${address}' STOWAGE_CLI_STATE='${stateOf(address)}'`;
  await writeFile(file, `#!/bin/sh\n${env} exec '${process.execPath}' '${CLI}' "$@"\n`);
  await chmod(file, 0o755);
  await mustStowage(address, ['load', '-i', await demoArchive(join(suite.dir, 'image'), IMAGE)]);
  await mustStowage(address, ['create', '--name', 'first-container', IMAGE, 'true']);
  await mustStowage(address, ['create', '--name', 'other-container', IMAGE, 'true']);
  for (const shell of ['bash', 'zsh', 'fish'])
    await writeFile(
      join(suite.dir, `completion.${shell}`),
      await mustStowage(address, ['completion', shell]),
    );
}, 120_000);

const START = {
  bash: () => `PS1='ours: ' PATH='${path()}' bash --norc`,
  zsh: () => `PS1='ours: ' PATH='${path()}' zsh -f`,
};
const LOAD = {
  bash: () => `source '${suite.dir}/completion.bash'`,
  zsh: () =>
    `autoload -U compinit; compinit -u -d '${suite.dir}/zcompdump'; source '${suite.dir}/completion.zsh'`,
};

test.each(terminals)(
  '$shell completes commands, options and names of what there is',
  async ({ shell, terminal }) => {
    const which = shell as keyof typeof START;
    await terminal.open(START[which]());
    await terminal.shows(/ours:/);
    await terminal.enter(`${LOAD[which]()}; echo loaded`);
    await terminal.shows(/^loaded/m);
    const completes = async (typed: string, whole: RegExp) => {
      await terminal.type('C-u', `stowage ${typed}`, 'Tab');
      await terminal.shows(whole);
    };
    await terminal.enter('');
    await completes('vers', /ours: stowage version$/m);
    await completes('ps --al', /ours: stowage ps --all$/m);
    await completes('rm fir', /ours: stowage rm first-container$/m);
    await completes('rmi example.org:50', /ours: stowage rmi example\.org:5000\/demo:1$/m);
    await completes('run --pull al', /ours: stowage run --pull always$/m);
    await completes('cp oth', /ours: stowage cp other-container:/m);
  },
  90_000,
);

test('fish completes them too, with what they are', async () => {
  const complete = (line: string) =>
    must('fish', ['--no-config', '-c', `source '${suite.dir}/completion.fish'; complete -C '${line}'`], {
      env: { PATH: path(), HOME: suite.dir },
    });
  expect(await complete('stowage vers')).toBe('version\tshow the versions of this tool and of the daemon\n');
  expect(await complete('stowage rm ')).toBe('first-container\nother-container\n');
  expect(await complete('stowage rmi example.org:')).toBe(`${IMAGE}\n`);
}, 60_000);

test('a daemon that does not answer keeps nobody at the prompt, and says nothing', async () => {
  const env = { STOWAGE_ADDRESS: '/nowhere.sock' };
  const { code, stdout, stderr } = await run(process.execPath, [CLI, '__complete', '--', 'rm', ''], { env });
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: '' });
});
