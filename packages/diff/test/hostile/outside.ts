import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fingerprint, makeCanary } from '../canary.ts';

/** What others on the machine make and remove in /dev: terminals, shared memory, loop devices, mapped disks. */
const RESTLESS = /^(?:pts|shm|mqueue|fd|loop|dm-|mapper|disk|block|char|tty|ptmx)/;

/** What must stay as it is, whatever is unpacked: a canary tree, /etc, /dev, and the directory they work in. */
export class Outside {
  readonly canary: string;
  readonly #workspace: string;
  #canary = '';
  #host: ReadonlyMap<string, string> = new Map();

  private constructor(canary: string, workspace: string) {
    this.canary = canary;
    this.#workspace = workspace;
  }

  /** @param workspace - A directory of which only entries named like {@link EXPECTED} may come and go. */
  static async make(workspace: string): Promise<Outside> {
    const canary = join(workspace, 'outside');
    await makeCanary(canary);
    const outside = new Outside(canary, workspace);
    outside.#canary = await fingerprint(canary);
    outside.#host = await hostListing();
    return outside;
  }

  /** What changed in the canary, or appeared beside it; undefined if nothing did. */
  async touched(): Promise<string | undefined> {
    const strangers = (await readdir(this.#workspace)).filter((name) => !EXPECTED.test(name));
    if (strangers.length > 0) return `appeared outside: ${JSON.stringify(strangers)}`;
    const now = await fingerprint(this.canary).catch((e: unknown) => String(e));
    return now === this.#canary ? undefined : 'the canary tree changed';
  }

  /** The same for /etc and /dev, which take longer to look at. */
  async hostTouched(): Promise<string | undefined> {
    const now = await hostListing();
    const paths = new Set([...this.#host.keys(), ...now.keys()]);
    const changed = [...paths].filter((path) => now.get(path) !== this.#host.get(path));
    return changed.length === 0 ? undefined : `the machine's own changed: ${changed.slice(0, 5).join(', ')}`;
  }
}

/** Of the workspace and of who plays in it. */
const EXPECTED =
  /^(?:outside|tools|jail|containerd|content|(?:base|native|overlay|lone|gnu|peer|swap)\S*|stowage-mount\S*)$/;

async function hostListing(): Promise<ReadonlyMap<string, string>> {
  const listing = new Map<string, string>();
  for (const root of ['/etc', '/dev']) {
    for (const name of await readdir(root)) {
      if (root === '/dev' && RESTLESS.test(name)) continue;
      const path = join(root, name);
      const stats = await lstat(path).catch(() => undefined);
      if (stats === undefined) continue;
      const { mode, uid, gid, size, nlink, mtimeMs, rdev } = stats;
      const content = root === '/etc' ? ` ${size} ${nlink} ${mtimeMs}` : ` ${rdev}`;
      listing.set(path, `${mode} ${uid}:${gid}${content}`);
    }
  }
  return listing;
}
