// Runs the last released kit for snapshotters, as npm has it, against the snapshotters of the checkout: what passed must
// go on to pass, or have been deprecated (docs/compatibility.md). As long as nothing is released there is nothing to
// compare, which it says.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Snapshotter } from '@stowage/snapshots';
import { serveSnapshotter } from '@stowage/snapshots/serve';
import { cases } from '@stowage/snapshots-conformance';
import { MemorySnapshotter } from '@stowage/snapshots-conformance/memory';
import { NativeSnapshotter } from '@stowage/snapshotter-native';
import { OverlaySnapshotter } from '@stowage/snapshotter-overlay';
import { must, run } from '@stowage/testing';

const KIT = '@stowage/snapshots-conformance';
const MANIFEST = new URL('../../packages/snapshots-conformance/package.json', import.meta.url);

interface Released {
  readonly version: string;
  readonly repository?: { readonly url?: string };
}

/** What npm has; undefined if that is nothing. */
async function lastRelease(): Promise<Released | undefined> {
  const { code, stdout, stderr } = await run('npm', ['view', KIT, '--json', 'version', 'repository']);
  if (code === 0) return JSON.parse(stdout) as Released;
  const { error } = JSON.parse(stdout || '{}') as { readonly error?: { readonly code?: string } };
  if (error?.code === 'E404') return undefined;
  throw new Error(`npm view ${KIT}: ${stderr || stdout}`);
}

/** Ids of the cases that a snapshotter fails, as the kit in `dir` sees it. */
async function failures(
  dir: string,
  name: string,
  snapshotter: Snapshotter,
  more: readonly string[],
): Promise<string[]> {
  const socket = join(dir, `${name}.sock`);
  await using _ = await serveSnapshotter(snapshotter, { socket, name });
  const kit = join(dir, 'node_modules/.bin/snapshots-conformance');
  const result = await run(kit, [`unix://${socket}`, '--snapshotter', name, ...more], { timeoutMs: 600_000 });
  const summary = result.stdout.trim().split('\n').at(-1) ?? '';
  if (result.code === 2 || !/^\d+ passed/.test(summary))
    throw new Error(`${name}: the kit did not run (${result.code}): ${result.stderr}${summary}`);
  console.log(`${name}: ${summary}`);
  return [...result.stdout.matchAll(/^FAILED +([a-z]+\/[a-z0-9-]+)(.*)$/gm)].flatMap(([, id = '', why]) => {
    const deprecated = cases.find((one) => one.id === id)?.deprecated;
    if (deprecated === undefined) console.error(`${name}: ${id}${why}`);
    return deprecated === undefined ? [id] : [];
  });
}

async function compare(dir: string, { version, repository }: Released): Promise<number> {
  const ours = JSON.parse(await readFile(MANIFEST, 'utf8')) as Released;
  if (repository?.url !== ours.repository?.url)
    throw new Error(`${KIT} of npm is somebody else's: ${repository?.url}, not ${ours.repository?.url}`);
  console.log(`${KIT} ${version}, as released:`);
  const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefix', dir];
  await must('npm', ['install', ...flags, `${KIT}@${version}`], { timeoutMs: 300_000 });
  const mounts = process.platform === 'linux' && process.getuid?.() === 0 ? ['--with', 'mounts'] : [];
  const bad = [...(await failures(dir, 'memory', new MemorySnapshotter(), []))];
  if (mounts.length > 0) {
    await using native = await NativeSnapshotter.open(join(dir, 'native'));
    bad.push(...(await failures(dir, 'native', native, mounts)));
    await using overlay = await OverlaySnapshotter.open(join(dir, 'overlay'));
    bad.push(
      ...(await failures(dir, 'overlay', overlay, [...mounts, '--with', 'own-usage', '--with', 'rebase'])),
    );
  }
  return bad.length;
}

const dir = await mkdtemp(join(tmpdir(), 'stowage-previous-kit-'));
try {
  const released = await lastRelease();
  if (released === undefined) console.log(`no release of ${KIT} is on npm yet: nothing was compared`);
  else if ((await compare(dir, released)) > 0) process.exitCode = 1;
} catch (e) {
  console.error((e as Error).message);
  // Without a network there is nothing to compare either, but where changes are judged that must not pass.
  process.exitCode =
    process.env.CI === undefined && /ENOTFOUND|EAI_AGAIN|ECONNREFUSED/.test(String(e)) ? 0 : 1;
} finally {
  await rm(dir, { recursive: true, force: true });
}
