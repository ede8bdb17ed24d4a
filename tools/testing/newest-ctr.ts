import { randomUUID } from 'node:crypto';
import { access, glob, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { must, run } from './process.ts';

const CACHE = join(import.meta.dirname, '../../node_modules/.cache/stowage-ctr');
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** A `ctr` unpacked aside, or why there is none here. */
export type NewestCtr =
  | { readonly path: string; readonly version: string; readonly missing?: undefined }
  | { readonly missing: string };

/**
 * The `ctr` of the newest containerd that Debian has in any suite (all come through sid), from the mirror that this machine
 * uses. apt checks its signatures; nothing is installed. It is kept in `node_modules/.cache` and not looked for again.
 */
export async function newestCtr(): Promise<NewestCtr> {
  const kept = await keptCtr();
  if (kept !== undefined) return kept;
  try {
    await fetchCtr();
  } catch (e) {
    return { missing: `no newer ctr from Debian: ${String((e as Error).message).split('\n', 1)[0]}` };
  }
  return (await keptCtr()) ?? { missing: 'the ctr of Debian sid does not run here' };
}

async function keptCtr(): Promise<NewestCtr | undefined> {
  const path = join(CACHE, 'current/usr/bin/ctr');
  try {
    await access(path);
  } catch {
    return undefined;
  }
  const { code, stdout } = await run(path, ['--version']);
  const [, version] = / v?([0-9]+\.[0-9.]+)/.exec(stdout) ?? [];
  return code === 0 && version !== undefined ? { path, version } : undefined;
}

/** Asks by apt, with lists and a cache of its own, so that what the machine knows of packages stays as it is. */
async function fetchCtr(): Promise<void> {
  const work = join(CACHE, randomUUID());
  await mkdir(join(work, 'lists/partial'), { recursive: true });
  await mkdir(join(work, 'cache/archives/partial'), { recursive: true });
  try {
    const sources = join(work, 'sources.list');
    await writeFile(sources, `deb [signed-by=${KEYRING}] ${await mirror()} sid main\n`);
    const options = [
      `Dir::Etc::sourcelist=${sources}`,
      'Dir::Etc::sourceparts=/dev/null',
      `Dir::State::lists=${join(work, 'lists')}`,
      `Dir::Cache=${join(work, 'cache')}`,
      'Acquire::Languages=none',
      'Acquire::http::Timeout=20',
      'Acquire::Retries=1',
      // The directory is this user's.
      'APT::Sandbox::User=root',
      'APT::Update::Error-Mode=any',
    ].flatMap((option) => ['-o', option]);
    const apt = (...args: string[]) =>
      must('apt-get', ['-q', ...options, ...args], { cwd: work, timeoutMs: 180_000 });
    await apt('update');
    await apt('download', 'containerd');
    const [deb] = await Array.fromAsync(glob(join(work, 'containerd_*.deb')));
    if (deb === undefined) throw new Error('apt-get download left no package');
    const unpacked = `unpacked-${randomUUID()}`;
    await must('dpkg-deb', ['-x', deb, join(CACHE, unpacked)]);
    // Others may be doing the same; the last one wins, and all are whole.
    await symlink(unpacked, join(work, 'current'));
    await rename(join(work, 'current'), join(CACHE, 'current'));
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Where this machine gets its packages from. */
async function mirror(): Promise<string> {
  const files = ['/etc/apt/sources.list', ...(await Array.fromAsync(glob('/etc/apt/sources.list.d/*')))];
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch(() => '');
    const [, found] =
      /^(?:deb\s+(?:\[[^\]]*\]\s+)?|URIs:\s*)(https?:\/\/\S+\/debian)\/?(?:\s|$)/m.exec(text) ?? [];
    if (found !== undefined) return found;
  }
  return 'http://deb.debian.org/debian';
}
