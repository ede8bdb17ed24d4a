import { randomBytes } from 'node:crypto';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connect } from '@stowage/client';
import { LocalContentStore } from '@stowage/content-store';
import { hostPlatform } from '@stowage/core';
import { buildImage, writeArchive } from '@stowage/oci-image';
import {
  demoArchive,
  mustCtr,
  type Program,
  startRegistry,
  startRegistryFront,
  until,
} from '@stowage/testing';
import { CLI, mustStowage, stateOf } from '../cli.ts';
import { Tmux } from '../on-tmux.ts';
import { withDaemon } from '../suite.ts';

// They go before the census, so their ends are asked for first.
const terminal = new Tmux('session');
let registry: (Program & { readonly host: string }) | undefined;
afterAll(async () => {
  await terminal[Symbol.asyncDispose]();
  await registry?.[Symbol.asyncDispose]();
});

const suite = withDaemon('cli-session');
const IMAGE = 'example.org/demo:1';
const LAYER_BYTES = 4 * 1024 * 1024;
const LAYERS = 3;
const { enter, type, shows, screen } = {
  enter: (line: string) => terminal.enter(line),
  type: (...keys: string[]) => terminal.type(...keys),
  shows: (pattern: RegExp) => terminal.shows(pattern),
  screen: () => terminal.screen(),
};
const must = (...args: string[]) => mustStowage(suite.daemon.address, args);

/** An image of noise in the registry, and nowhere else. */
async function pushNoise(name: string): Promise<void> {
  await using content = await LocalContentStore.open(join(suite.dir, 'noise'));
  const target = await buildImage(content, {
    platform: hostPlatform(),
    layers: Array.from({ length: LAYERS }, (_, i) => [
      { path: `noise-${i}`, data: randomBytes(LAYER_BYTES), mode: 0o644 },
    ]),
    config: {},
  });
  const c = (...args: string[]) => mustCtr(suite.daemon.address, ['-n', 'pushing', ...args]);
  await using client = connect(suite.daemon.address, { namespace: 'pushing' });
  await client.importImages(writeArchive(content, [{ name, target }]));
  await c('images', 'push', '--plain-http', name);
  await c('images', 'rm', '--sync', name);
}

beforeAll(async () => {
  registry = await startRegistry(join(suite.dir, 'registry'));
  const archive = await demoArchive(join(suite.dir, 'image'), IMAGE);
  await mustStowage(suite.daemon.address, ['load', '-i', archive]);
  const { address } = suite.daemon;
  const file = join(suite.dir, 'stowage');
  await writeFile(
    file,
    `#!/bin/sh\nSTOWAGE_CLI_STATE='${stateOf(address)}' exec '${process.execPath}' '${CLI}' -a '${address}' "$@"\n`,
  );
  await chmod(file, 0o755);
  await terminal.open(`PS1='ours: ' PATH='${suite.dir}':"$PATH" bash --norc`);
  await shows(/ours:/);
}, 120_000);

test('a pull has bars; Ctrl-C ends it and says what is left; the next pull brings all', async () => {
  const host = registry?.host ?? '';
  await pushNoise(`${host}/noise:1`);
  await using front = await startRegistryFront(host, LAYER_BYTES * 1.5);
  await enter(`stowage pull ${front.host}/noise:1; echo code $?`);
  const held = await shows(/fetching +\[=+ *\] +\d+% +\S+ .?B of 4\.\d+ MB[\s\S]*\d+\/\d+ done/);
  for (const line of held.split('\n')) expect(line.length).toBeLessThanOrEqual(90);
  await type('C-c');
  await shows(/stowage: interrupted\nNothing of it is left here: .*\ncode 130/);
  expect(await terminal.isCursorShown()).toBe(true);
  expect(await must('images', '-q')).toBe(`${IMAGE}\n`);
  front.open();
  await enter(`stowage pull ${front.host}/noise:1; echo code $?`);
  const whole = await shows(/^sha256:\w{64}\ncode 0/m);
  expect(whole).toMatch(/^(\w{12} done 4\.\d+ MB\n)/m);
  expect(whole).toMatch(/6\/6 done +\[=+\]100%/);
  expect(await terminal.isCursorShown()).toBe(true);
}, 90_000);

test('tables have colours, unless they are not wanted, and are as wide as the terminal', async () => {
  await enter('stowage images');
  await shows(/example\.org\/demo:1[\s\S]*ours:/);
  expect(await terminal.coloured()).toContain('\u001b[1mNAME');
  for (const without of ['NO_COLOR=1', 'TERM=dumb']) {
    await enter(`${without} stowage images; echo with ${without}`);
    await shows(new RegExp(`demo:1[\\s\\S]*with ${without}`));
    expect(await terminal.coloured()).toMatch(/^NAME +DIGEST/m);
  }
  await terminal.resize(50, 24);
  await enter('stowage images');
  const narrow = await shows(/…[\s\S]*ours:/);
  expect(narrow).toMatch(/^example\.org\/demo:1|^exam.*… /m);
  await terminal.resize(90, 30);
}, 60_000);

test('a shell in a container has this terminal’s size, is let go of, and had back', async () => {
  await enter(`stowage run -it --name shell ${IMAGE} sh -c "stty size; PS1='theirs: ' sh"`);
  await shows(/^30 90\n[\s\S]*theirs:/m);
  await terminal.resize(100, 20);
  await until('the new size', async () => {
    await type('stty size', 'Enter');
    await new Promise((resolve) => setTimeout(resolve, 300));
    return /^20 100$/m.test(await screen());
  });
  await type('kept=yes', 'Enter');
  await type('C-p', 'C-q');
  await shows(/stowage: shell runs on; see it again with: stowage attach shell\n+ours:/);
  await enter('stowage attach shell; echo code $?');
  await until('their prompt', async () => {
    await type('echo =$kept=', 'Enter');
    await new Promise((resolve) => setTimeout(resolve, 300));
    return (await screen()).includes('=yes=');
  });
  await type('exit 4', 'Enter');
  await shows(/^code 4/m);
  await must('rm', 'shell');
}, 60_000);

test('who reads a part only ends what goes on for ever', async () => {
  await enter(`stowage events --since 0 | head -1; echo "codes \${PIPESTATUS[*]}"`);
  // The next event finds nobody who reads.
  await until('it to learn of it', async () => {
    await must('namespace', 'label', suite.namespace, `at=${Date.now()}`);
    return /^codes 141 0/m.test(await screen());
  });
  expect(await screen()).not.toMatch(/EPIPE|stowage:/);
}, 60_000);
