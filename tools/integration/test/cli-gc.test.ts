import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { demoArchive, mustCtr, type Program, startContainerd } from '@stowage/testing';
import { mustStowage, stowage } from '../cli.ts';
import { withDaemon } from '../suite.ts';

const IMAGE = 'docker.io/library/demo:latest';
let containerd: (Program & { readonly address: string }) | undefined;
// Before the census, so before it is set up.
afterAll(async () => {
  for (const address of [suite.daemon.address, containerd?.address ?? '']) {
    await mustCtr(address, ['containers', 'rm', 'web']);
    await mustCtr(address, ['images', 'rm', '--sync', IMAGE]);
  }
  await containerd?.[Symbol.asyncDispose]();
});

const suite = withDaemon('cli-gc');
const ours = () => suite.daemon.address;
const theirs = () => containerd?.address ?? '';

beforeAll(async () => {
  containerd = await startContainerd(join(suite.dir, 'containerd'));
  const archive = await demoArchive(join(suite.dir, 'image'), IMAGE);
  for (const address of [ours(), theirs()]) {
    await mustCtr(address, ['images', 'import', archive]);
    await mustCtr(address, ['containers', 'create', IMAGE, 'web']);
    // An import leaves the index of its archive behind, which nothing keeps. This waits until it is gone.
    await mustCtr(address, ['leases', 'create', '--id', 'any']);
    await mustCtr(address, ['leases', 'delete', '--sync', 'any']);
  }
}, 90_000);

interface Told {
  readonly verdict: string;
  readonly path: ReadonlyArray<{
    readonly object: { readonly kind: string; readonly name: string };
    readonly why: { readonly by: string; readonly label?: string };
  }>;
}

async function layerOf(address: string): Promise<string> {
  for (const digest of (await mustStowage(address, ['content', 'ls', '-q'])).trim().split('\n')) {
    const told = JSON.parse(await mustStowage(address, ['gc', 'explain', digest, '--json'])) as Told;
    if (told.path.at(-1)?.why.label?.includes('.content.l.')) return digest;
  }
  throw new Error('no layer');
}

describe.each([
  ['stowaged', ours],
  ['containerd', theirs],
])('%s', (_, address) => {
  const must = (...args: string[]) => mustStowage(address(), args);

  test('explain shows the path from what keeps a layer, each step below the one before', async () => {
    const layer = await layerOf(address());
    const text = await must('gc', 'explain', layer.slice(0, 20));
    const lines = text.split('\n');
    expect(lines[0]).toBe(`content ${layer} is kept by`);
    expect(lines[1]).toBe(`image ${IMAGE}`);
    expect(lines[2]).toMatch(/^└ target sha256:[0-9a-f]{64} \((index|manifest)\)$/);
    const at = lines.findIndex((line) => line.includes(layer), 1);
    expect(lines.slice(1).find((line) => line.endsWith('(layer)'))).toMatch(
      new RegExp(`^ *└ containerd\\.io/gc\\.ref\\.content\\.l\\.0 ${layer} \\(layer\\)$`),
    );
    expect(at).toBe(0);
  });

  test('explain takes short names of images, and tells what goes with one', async () => {
    const text = await must('gc', 'explain', 'demo');
    expect(text).toMatch(new RegExp(`^image ${IMAGE.replaceAll('.', '\\.')} keeps itself\n`));
    expect(text).toMatch(/Without it the next run frees [\d.]+ [kM]?B\./);
  });

  test('a container and its snapshot share a name, so which is meant has to be said', async () => {
    const refused = await stowage(address(), ['gc', 'explain', 'web']);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/several things go by that name: .*container:web/);
    expect(refused.stderr).toContain('snapshot:overlayfs/web');
    expect(await must('gc', 'explain', 'container:web')).toContain('container web keeps itself');
    for (const name of ['snapshot:web', 'snapshot:overlayfs/web']) {
      const text = await must('gc', 'explain', name);
      expect(text).toContain('snapshot overlayfs/web is kept by\ncontainer web\n└ snapshot overlayfs/web');
    }
  });

  test('what is not there is said, with exit code 1', async () => {
    const nothing = await stowage(address(), ['gc', 'explain', 'sha256:0123456789']);
    expect(nothing).toMatchObject({ code: 1, stdout: '' });
    expect(nothing.stderr).toContain('nothing here goes by that name');
  });

  test('df adds up, image by image with -v, and for programs with --json', async () => {
    const text = await must('df');
    expect(text).toMatch(/^TYPE +COUNT +SIZE +UNIQUE +SHARED +RECLAIMABLE$/m);
    expect(text).toMatch(/^images +1 +[\d.]+ MB/m);
    expect(text).toMatch(/^containers +1 +[\d.]+ MB\+/m);
    expect(text).toMatch(/^total /m);
    expect(await must('df', '--active')).toMatch(/^containers +1 +[\d.]+ MB /m);
    const detail = await must('df', '-v');
    expect(detail).toMatch(/^docker\.io\/library\/demo:latest +[\d.]+ MB/m);
    expect(detail).toMatch(/^overlayfs\/web /m);
    const lines = (await must('df', '--json'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines[0]).toMatchObject({ of: { type: 'total' }, unmeasured: 1 });
    expect(await must('df', '-A')).toMatch(new RegExp(`^${suite.namespace} +\\d+ +[\\d.]+ MB`, 'm'));
  });

  test('freed-by counts what goes with several things', async () => {
    const one = JSON.parse(await must('gc', 'freed-by', '--json', 'demo')) as { snapshotBytes: number };
    expect(one.snapshotBytes).toBe(0);
    expect(await must('gc', 'freed-by', 'container:web')).toContain('not counting 1 still written to');
    const both = await must('gc', 'freed-by', '--active', 'demo', 'container:web');
    expect(both).toMatch(/^[\d.]+ MB \(content [\d.]+ [kM]B, snapshots [\d.]+ MB\) in \d+ objects\n$/);
  });

  test('plan lists nothing where all is kept', async () => {
    expect(await must('gc', 'plan')).toBe('There is no garbage.\n');
    expect(await must('gc', 'plan', '--json')).toBe('');
  });
});

test('run and orphans work on stowaged; containerd says that it can not', async () => {
  expect(await mustStowage(ours(), ['gc', 'run'])).toMatch(
    /^removed \d+ records, and \d+ from the disk: freed/,
  );
  expect(await mustStowage(ours(), ['gc', 'orphans'])).toBe('Records and the disk agree.\n');
  for (const verb of ['run', 'orphans']) {
    const refused = await stowage(theirs(), ['gc', verb]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/this daemon (has no call|does not show its backends)/);
  }
});

test('what was read off containerd says what it does not take into account', async () => {
  const { stderr } = await stowage(theirs(), ['gc', 'explain', 'demo']);
  expect(stderr).toContain('this daemon does not tell who writes at this moment');
  expect((await stowage(ours(), ['gc', 'explain', 'demo'])).stderr).toBe('');
});

test('each command teaches by examples', async () => {
  for (const args of [['gc'], ['gc', 'explain'], ['gc', 'plan'], ['gc', 'freed-by'], ['gc', 'run'], ['df']])
    expect(await mustStowage(ours(), [...args, '--help'])).toContain('Examples:\n  stowage ');
});
