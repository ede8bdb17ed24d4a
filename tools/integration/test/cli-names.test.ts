import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { connect } from '@stowage/client';
import type { Descriptor } from '@stowage/core';
import { demoArchive, run } from '@stowage/testing';
import { archiveOfSeveral } from '../archive-of-several.ts';
import { CLI, stowage } from '../cli.ts';
import { withDaemon } from '../suite.ts';

const suite = withDaemon('cli-names');
const NAME = 'example.org/several:1';
const DEMO = 'docker.io/library/demo:1';
let target: Descriptor;
let archive: string;

const s = (...args: string[]) => stowage(suite.daemon.address, args);

async function must(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await s(...args);
  if (code !== 0) throw new Error(`stowage ${args.join(' ')}: exit code ${code}\n${stderr}`);
  return stdout;
}

beforeAll(async () => {
  archive = join(suite.dir, 'several.tar');
  target = await archiveOfSeveral(suite.dir, NAME, archive);
  await must('load', '-i', archive);
  await must('load', '-i', await demoArchive(join(suite.dir, 'demo'), DEMO));
}, 60_000);

test('load reads an archive and prints the names', async () => {
  expect(await must('-n', 'loaded', 'load', '-i', archive)).toBe(`${NAME}\n`);
  expect(await must('-n', 'loaded', 'rmi', NAME)).toBe(`${NAME}\n`);
  expect(await s('load', '-i', '/absent.tar')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^stowage: load \/absent\.tar: .*ENOENT/),
  });
  const piped = await stowage(suite.daemon.address, ['-n', 'piped', 'load'], {
    input: await readFile(archive),
  });
  expect(piped).toMatchObject({ code: 0, stdout: `${NAME}\n` });
  await must('-n', 'piped', 'rmi', NAME);
});

test('tag moves a name, rmi removes several, and not what containers were made from unless forced', async () => {
  const n = ['-n', 'names'];
  await must(...n, 'load', '-i', await demoArchive(join(suite.dir, 'names'), DEMO));
  await must(...n, 'load', '-i', archive);
  expect(await must(...n, 'tag', 'demo:1', 'moving')).toBe('docker.io/library/moving:latest\n');
  await must(...n, 'tag', NAME, 'moving');
  expect(await must(...n, 'images')).toMatch(
    new RegExp(`docker.io/library/moving:latest +${target.digest.slice(7, 19)}`),
  );

  await must(...n, 'run', '-d', '--name', 'user', DEMO, 'true');
  const refused = await s(...n, 'rmi', 'demo:1', 'moving', 'absent');
  expect(refused).toMatchObject({ code: 1, stdout: 'docker.io/library/moving:latest\n' });
  expect(refused.stderr).toMatch(/remove .*demo:1: container user was made from it; .*--force\n/);
  expect(refused.stderr).toMatch(/absent:latest.*\n.*stowage images lists them/);
  // One more name, and the first may go.
  await must(...n, 'tag', 'demo:1', 'second');
  expect(await must(...n, 'rmi', 'demo:1')).toBe(`${DEMO}\n`);
  expect(await must(...n, 'rmi', '--force', 'second')).toBe('docker.io/library/second:latest\n');
  await must(...n, 'rm', '-f', 'user');
  expect(await must(...n, 'images', '-q')).toBe(`${NAME}\n`);
}, 60_000);

test('names that are made and removed at the same time get in nobody’s way', async () => {
  await using client = connect(suite.daemon.address, { namespace: suite.namespace });
  const name = 'example.org/contended:1';
  const remove = async () => {
    try {
      await (await client.image(name)).remove();
    } catch (e) {
      if ((e as { kind?: string }).kind !== 'not_found') throw e;
    }
  };
  await Promise.all(Array.from({ length: 40 }, (_, i) => (i % 4 === 3 ? remove() : client.tag(NAME, name))));
  await client.tag(NAME, name);
  expect((await client.image(name)).target.digest).toBe(target.digest);
  await expect(client.tag('absent', name)).rejects.toMatchObject({ kind: 'not_found' });
});

test('save writes a file once it is whole, which load reads, and refuses a terminal', async () => {
  const file = join(suite.dir, 'saved.tar');
  await must('save', '-o', file, '--all-platforms', NAME);
  expect(await must('-n', 'saved', 'load', '-i', file)).toBe(`${NAME}\n`);
  expect(await must('-n', 'saved', 'images')).toContain(target.digest.slice(7, 19));

  const before = await readFile(file);
  expect(await s('save', '-o', file, '--platform', 'plan9/386', NAME)).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/plan9\/386/),
  });
  expect((await readFile(file)).equals(before)).toBe(true);
  const { stdout } = await run('sh', ['-c', `ls '${suite.dir}' | grep -c partial`]);
  expect(stdout).toBe('0\n');

  const line = `'${process.execPath}' '${CLI}' -a '${suite.daemon.address}' save ${NAME}`;
  const terminal = await run('script', ['-qec', line, '/dev/null'], {
    env: { TERM: 'xterm', NODE_OPTIONS: '' },
  });
  expect(terminal).toMatchObject({ code: 1, stdout: expect.stringContaining('use -o FILE') });
  const piped = await run('sh', ['-c', `${line} | tar t | grep -c blobs/sha256/`]);
  // Index, manifest, config, three layers: of this platform alone.
  expect(piped.stdout).toBe('6\n');
});

test('history and inspect show what is known', async () => {
  const steps = (await must('history', '--json', NAME)).trimEnd().split('\n');
  expect(steps.map((line) => JSON.parse(line) as object)).toHaveLength(3);
  expect(await must('history', NAME)).toMatch(/^CREATED +CREATED BY +SIZE +COMMENT\n/);

  await must('run', '-d', '--name', 'inspected', DEMO, 'sleep', '60');
  const { code, stdout, stderr } = await s('inspect', 'inspected', NAME, 'absent');
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: 'stowage: inspect "absent": no container or image has this name\n',
  });
  expect(JSON.parse(stdout)).toEqual([
    expect.objectContaining({
      type: 'container',
      id: 'inspected',
      task: expect.objectContaining({ status: 'running' }),
      spec: expect.objectContaining({ process: expect.objectContaining({ args: ['sleep', '60'] }) }),
    }),
    expect.objectContaining({
      type: 'image',
      name: NAME,
      target: expect.objectContaining({ digest: target.digest }),
      config: expect.objectContaining({ cmd: ['/top'] }),
      layers: expect.arrayContaining([
        expect.objectContaining({ diffId: expect.stringMatching(/^sha256:/) }),
      ]),
    }),
  ]);
  await must('rm', '-f', 'inspected');
}, 60_000);

test.each(['login', 'logout', 'push', 'pull', 'tag', 'rmi', 'save', 'load', 'history', 'inspect'])(
  '%s --help has an example',
  async (verb) => {
    const help = await must(verb, '--help');
    expect(help).toContain(`\nExamples:\n`);
    expect(help).toContain(`  stowage ${verb}`);
  },
);
