import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { OptionsSchema } from '@stowage/api/runc/v1';
import { jsonBytes, TYPE_URL } from '@stowage/core';
import { packMessage } from '@stowage/rpc';
import { census, eventually, Workbench } from './fixtures/workbench.ts';

/** Longer than a command may go on that nobody waits for. */
const PATIENCE_MS = 20_000;

let bench: Workbench;
let before: unknown;
beforeAll(async () => {
  bench = await Workbench.open();
  before = await census(bench);
});
afterAll(async () => {
  await using ending = bench;
  expect(await census(ending)).toEqual(before);
});

/** A runc that hangs in one of its commands, while a file is there. */
async function hanging(command: string) {
  const [binaryName, marker] = [join(bench.directory, `runc-${command}`), join(bench.directory, command)];
  const script = `#!/bin/sh\ncase "$*" in *" ${command} "*) [ -e ${marker} ] && exec sleep 1000;; esac\nexec runc "$@"\n`;
  await writeFile(binaryName, script, { mode: 0o755 });
  await writeFile(marker, '');
  const options = packMessage(OptionsSchema, { binaryName });
  return { options, [Symbol.asyncDispose]: () => rm(marker) };
}

const giveUpSoon = () => {
  const signal = AbortSignal.timeout(300);
  return { signal };
};

test('a start that is given up is tried again once the runtime that hung was killed', async () => {
  const id = 'to-start';
  {
    await using runc = await hanging('start');
    await bench.tasks.create(await bench.container(id, ['sleep', '1000'], runc));
    await expect(bench.tasks.start({ id }, giveUpSoon())).rejects.toThrow(/timeout/);
  }
  const exit = bench.tasks.wait({ id });
  await eventually(async () => {
    const isFree = (e: unknown) => !/already/.test(String(e));
    await bench.tasks.start({ id }).catch((e: unknown) => isFree(e) && Promise.reject(e));
    return (await bench.tasks.state({ id })).status === 'running';
  }, PATIENCE_MS);
  await bench.tasks.kill({ id, signal: 9 });
  expect(await exit).toMatchObject({ exitStatus: 137 });
  await bench.tasks.delete({ id });
}, 60_000);

test('an exec whose start is given up can be deleted once the runtime that hung was killed', async () => {
  const id = 'with-exec';
  const execId = 'hangs';
  await using runc = await hanging('exec');
  await bench.tasks.create(await bench.container(id, ['sleep', '1000'], runc));
  await bench.tasks.start({ id });
  const spec = jsonBytes(TYPE_URL.process, { args: ['true'], cwd: '/', env: ['PATH=/bin'] });
  await bench.tasks.exec({ id, execId, spec, stdin: '', stdout: '', stderr: '', terminal: false });
  await expect(bench.tasks.start({ id, execId }, giveUpSoon())).rejects.toThrow(/timeout/);
  expect(
    await bench.tasks.delete({ id, execId }, { signal: AbortSignal.timeout(PATIENCE_MS) }),
  ).toMatchObject({ exitStatus: 0 });
  await bench.tasks.kill({ id, signal: 9 });
  await bench.tasks.wait({ id });
  await bench.tasks.delete({ id });
}, 60_000);
