import { chown, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, Fault, type Mount, quote, reasonOf, Skip } from '@stowage/core';
import { hasDirentTypes, statfsType } from '@stowage/linux';
import { probeMount } from '@stowage/linux/probe-mount';
import { why } from './why.ts';

/** What overlayfs can do at a place. */
export interface OverlayFacts {
  /** Options of every overlay there. */
  readonly options: readonly string[];
  /** Lower layers can be shown with mapped ids (kernel 5.19). */
  readonly remapsIds: boolean;
  /** This process is in a user namespace, where whiteouts cannot always be made by hand. */
  readonly userNamespace: boolean;
}

interface Noted extends OverlayFacts {
  readonly boot: string;
  readonly dev: number;
  readonly asked: readonly string[];
}

/**
 * Finds out what overlayfs can do below `root`, by mounting some where nobody sees them, once per boot.
 *
 * @param asked - Options that the caller wants in any case.
 * @throws Skip saying what is in the way.
 */
export async function probeOverlay(root: string, asked: readonly string[]): Promise<OverlayFacts> {
  if (/[,:\\]/.test(root)) {
    throw new Fault('invalid_argument', `root ${quote(root)}: overlayfs takes no path with , : or \\`);
  }
  const about = { boot: await bootId(), dev: (await stat(root)).dev, asked };
  const noted = join(root, 'probed.json');
  const known = await readNoted(noted);
  if (known?.boot === about.boot && known.dev === about.dev && String(known.asked) === String(asked))
    return known;
  const dir = await mkdtemp(join(root, 'probe-'));
  try {
    const facts = await tryAll(dir, root, asked);
    await writeFile(noted, JSON.stringify({ ...about, ...facts } satisfies Noted), { mode: 0o600 });
    return facts;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function tryAll(dir: string, root: string, asked: readonly string[]): Promise<OverlayFacts> {
  for (const name of ['lower1', 'lower2', 'upper', 'work', 'merged']) await mkdir(join(dir, name));
  await writeFile(join(dir, 'lower1', 'one'), '');
  await writeFile(join(dir, 'lower2', 'two'), '');
  if (!hasDirentTypes(join(dir, 'lower1'))) {
    const fix = 'whiteouts would show; make it anew with mkfs.xfs -n ftype=1, or mkfs.ext4 -O filetype';
    throw new Skip(
      `overlayfs does not work at ${root}: the file system tells no types of entries (d_type): ${fix}`,
    );
  }
  const userNamespace = await inUserNamespace();
  const options = [
    ...(await withUserXattr(dir, root, asked, userNamespace)),
    ...(await settled(asked, userNamespace)),
  ];
  await attempt(overlay(dir, options), dir, root);
  return { options, userNamespace, remapsIds: !userNamespace && (await mapsIds(dir, options)) };
}

/** In a user namespace overlayfs may not write trusted.* attributes (kernel 5.11); not every file system has others. */
async function withUserXattr(
  dir: string,
  root: string,
  asked: readonly string[],
  userNamespace: boolean,
): Promise<readonly string[]> {
  if (!userNamespace || asked.includes('userxattr')) return asked;
  const wanted = [...asked, 'userxattr'];
  try {
    await attempt(overlay(dir, wanted), dir, root);
    return wanted;
  } catch (e) {
    if (errnoOf((e as { cause?: unknown }).cause) !== 'EINVAL') throw e;
    return asked;
  }
}

/**
 * Options for what kernels differ in, told by the module once it is loaded, which the first mount does.
 *
 * With an index one layer could not be in several mounts at once: off wherever the kernel knows of it, as containerd has
 * it (plugins/snapshots/overlay NewSnapshotter). Files without data or directories with a past name (metacopy,
 * redirect_dir) make layers that mean nothing without those below: off where the kernel would have them on.
 */
export async function settled(asked: readonly string[], userNamespace: boolean): Promise<string[]> {
  const isAsked = (name: string) => asked.some((option) => option.startsWith(`${name}=`));
  const options: string[] = [];
  for (const name of ['index', 'metacopy', 'redirect_dir']) {
    if (isAsked(name)) continue;
    const value = await readFile(`/sys/module/overlay/parameters/${name}`, 'utf8').catch(ifAbsent);
    if (value === undefined) continue;
    // Next to userxattr they are off, and must not be named.
    if (name === 'index' || (value.trim() === 'Y' && !userNamespace)) options.push(`${name}=off`);
  }
  return options;
}

async function mapsIds(dir: string, options: readonly string[]): Promise<boolean> {
  const id = 65_000;
  // The upper layer is shown as it is, so the top must come from a mapped one.
  await chown(join(dir, 'upper'), id, id);
  const map = [`uidmap=0:${id}:1`, `gidmap=0:${id}:1`];
  const lowers = `lowerdir=${dir}/lower1:${dir}/lower2`;
  const mount: Mount = { type: 'overlay', source: 'overlay', options: [...map, lowers, ...options] };
  try {
    const { uid, gid } = await probeMount([mount], join(dir, 'merged'));
    return uid === id && gid === id;
  } catch (e) {
    if (errnoOf(e) === undefined) throw e;
    return false;
  }
}

function overlay(dir: string, options: readonly string[]): Mount {
  const layers = [`workdir=${dir}/work`, `upperdir=${dir}/upper`, `lowerdir=${dir}/lower1:${dir}/lower2`];
  // A volatile overlay leaves a mark that would make the second try fail.
  return {
    type: 'overlay',
    source: 'overlay',
    options: [...layers, ...options.filter((o) => o !== 'volatile')],
  };
}

async function attempt(mount: Mount, dir: string, root: string): Promise<void> {
  try {
    const { names } = await probeMount([mount], join(dir, 'merged'));
    if ([...names].sort().join() !== 'one,two')
      throw new Skip(`overlayfs at ${root} shows ${names.join() || 'nothing'}`);
  } catch (e) {
    if (Skip.is(e)) throw e;
    const reason = why(errnoOf(e), reasonOf(e), statfsType(root));
    throw new Skip(`overlayfs does not work at ${root}: ${reason}`, { cause: e });
  }
}

async function readNoted(path: string): Promise<Noted | undefined> {
  const text = await readFile(path, 'utf8').catch(ifAbsent);
  try {
    return text === undefined ? undefined : (JSON.parse(text) as Noted);
  } catch {
    // Cut off by a crash: then it is found out again.
    return undefined;
  }
}

async function bootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
}

async function inUserNamespace(): Promise<boolean> {
  const [inside, outside, count] = (await readFile('/proc/self/uid_map', 'utf8')).trim().split(/\s+/);
  return inside !== '0' || outside !== '0' || count !== '4294967295';
}

function ifAbsent(e: unknown): undefined {
  if (errnoOf(e) !== 'ENOENT') throw e;
}
