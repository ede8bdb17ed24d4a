import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { chmod, lstat, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Fault, type Mount } from '@stowage/core';
import type { Mounter } from '@stowage/linux/mounter';
import type { Capability, Subject } from '@stowage/snapshots-conformance';
import { DirectorySnapshotter, type LayerDriver } from '@stowage/snapshots-store';
import { altered, type Mutant, type Wrong } from './mutant.ts';

const run = promisify(execFile);
const files = (directory: string) => join(directory, 'fs');

/** Copies whole layers; right, if slow. */
const copying: LayerDriver = {
  async make(directory, below) {
    if (below !== undefined) await run('cp', ['-a', files(below), directory]);
    else await mkdir(files(directory));
    if (below === undefined) await chmod(files(directory), 0o755);
  },
  mounts: ({ id, info }, pathOf) => [bind(files(pathOf(id)), info.kind === 'active' ? 'rw' : 'ro')],
  async usage(directory) {
    const [size, inodes] = await Promise.all([
      run('du', ['-sb', files(directory)]),
      run('du', ['-s', '--inodes', files(directory)]),
    ]);
    return {
      sizeBytes: BigInt(Number.parseInt(size.stdout, 10)),
      inodes: BigInt(Number.parseInt(inodes.stdout, 10)),
    };
  },
  sync: async () => {},
  remove: (directory) => rm(directory, { recursive: true }),
  async [Symbol.asyncDispose]() {},
};

function bind(source: string, access: 'ro' | 'rw'): Mount {
  return { type: 'bind', source, options: ['rbind', access] };
}

interface Broken {
  readonly driver?: Partial<LayerDriver>;
  /** @param opened - how often its root was opened before. */
  readonly wrong?: (opened: number, root: string) => Wrong;
  readonly claims?: readonly Capability[];
}

const copiedBy = (...args: string[]): Partial<LayerDriver> => ({
  async make(directory, below, ...rest) {
    if (below === undefined) await copying.make(directory, below, ...rest);
    else await run('cp', [...args, files(below), directory]);
  },
});

/** Copying snapshotters with files, each wrong in one way. Give the mounter, which is the caller's to dispose. */
export function fileMutants(mounter: Mounter): Mutant[] {
  const mutant = (name: string, caughtBy: readonly string[], broken: Broken): Mutant => ({
    name,
    caughtBy,
    subject: copyingSubject(name, mounter, broken),
  });
  return [
    mutant('links count twice', ['usage/grows-with-the-files-of-an-active-snapshot'], {
      driver: {
        async usage(directory) {
          const { stdout } = await run('du', ['-sbl', files(directory)]);
          return { sizeBytes: BigInt(Number.parseInt(stdout, 10)), inodes: 1n };
        },
      },
    }),
    mutant('usage is forgotten at commit', ['usage/of-a-committed-snapshot-is-what-it-was-at-commit'], {
      wrong: () => (right) => ({
        async usage(key, options) {
          const usage = await right.usage(key, options);
          return (await right.stat(key)).kind === 'committed' ? { sizeBytes: 0n, inodes: 0n } : usage;
        },
      }),
    }),
    mutant('copies count as its own', ['usage/does-not-count-the-parent'], { claims: ['own-usage'] }),
    mutant('labels are gone at the next start', ['reopen/finds-everything-as-it-was'], {
      wrong: (opened) => (right) => ({
        stat: async (...args) => ({ ...(await right.stat(...args)), ...(opened > 0 && { labels: {} }) }),
        async *list(...args) {
          for await (const info of right.list(...args)) yield opened > 0 ? { ...info, labels: {} } : info;
        },
      }),
    }),
    mutant('removals are gone at the next start', ['reopen/does-not-bring-back-what-was-removed'], {
      wrong: returning(),
    }),
    mutant('files are gone at the next start', ['reopen/finds-the-files'], {
      wrong: (opened, root) => (right) => ({
        async mounts(...args) {
          const mounts = await right.mounts(...args);
          if (opened > 0) await run('find', [join(root, 'snapshots'), '-type', 'f', '-delete']);
          return mounts;
        },
      }),
    }),
    mutant('layers are private', ['layers/start-as-an-empty-directory-of-mode-0755'], {
      driver: {
        async make(directory, ...rest) {
          await copying.make(directory, ...rest);
          await chmod(files(directory), 0o700);
        },
      },
    }),
    mutant('layers start empty', ['layers/show-the-parents-files-and-their-own'], {
      driver: { make: (directory, _below, ...rest) => copying.make(directory, undefined, ...rest) },
    }),
    mutant(
      'deletions come back at commit',
      [
        'layers/hide-what-they-delete',
        'files/of-a-directory-deleted-and-made-again-stay-away',
        'files/renamed-are-gone-from-where-they-were',
      ],
      { driver: merging() },
    ),
    mutant('files keep their kind for good', ['files/can-change-their-kind'], { driver: keepingKinds() }),
    mutant('children write into their parent', ['layers/of-one-parent-do-not-see-each-other'], {
      driver: {
        mounts: ({ id, parentIds: [below], info }, pathOf) => [
          bind(files(pathOf(below ?? id)), info.kind === 'active' ? 'rw' : 'ro'),
        ],
      },
    }),
    mutant('files go with their mount', ['layers/keep-what-was-written-through-an-earlier-mount'], {
      wrong: () => (right) => ({
        async mounts(...args) {
          const mounts = await right.mounts(...args);
          for (const { source } of mounts)
            for (const name of await readdir(source)) await rm(join(source, name), { recursive: true });
          return mounts;
        },
      }),
    }),
    mutant('views can be written to', ['layers/are-read-only-in-a-view'], {
      driver: { mounts: ({ id }, pathOf) => [bind(files(pathOf(id)), 'rw')] },
    }),
    mutant('layers end at 64', ['layers/can-be-128-deep'], {
      driver: {
        mounts(snapshot, pathOf) {
          if (snapshot.parentIds.length > 64) throw new Fault('resource_exhausted', 'too many layers');
          return copying.mounts(snapshot, pathOf);
        },
      },
    }),
    mutant('mounted layers cannot be removed', ['layers/may-be-removed-while-mounted'], {
      wrong: () => (right) => ({
        async remove(key, options) {
          const [mount] = (await right.stat(key)).kind === 'active' ? await right.mounts(key) : [];
          const mounted = (await readFile('/proc/self/mountinfo', 'utf8')).includes(mount?.source ?? '\0');
          if (mounted) throw new Fault('unavailable', `remove ${key}: it is mounted`);
          await right.remove(key, options);
        },
      }),
    }),
    mutant('a new parent at commit is only told', ['layers/committed-onto-another-parent-are-on-top-of-it'], {
      driver: { rebases: true },
      claims: ['rebase'],
    }),
    mutant('copies belong to whoever makes them', ['files/keep-owner-mode-and-time'], {
      driver: copiedBy('-r'),
    }),
    mutant('tops have the mode of any directory', ['files/at-the-top-keep-owner-and-mode'], {
      driver: {
        async make(directory, below, ...rest) {
          await copying.make(directory, below, ...rest);
          await run('chown', ['0:0', files(directory)]);
        },
      },
    }),
    mutant(
      'copies share their inodes',
      ['files/changed-in-part-keep-the-rest', 'files/change-owner-without-change-of-content'],
      { driver: copiedBy('-al') },
    ),
    mutant('copies break links', ['files/with-two-names-stay-one'], { driver: copiedBy('-rp') }),
    mutant('copies follow links', ['files/linked-are-never-followed'], {
      driver: {
        async make(directory, below, ...rest) {
          if (below === undefined) await copying.make(directory, below, ...rest);
          // What dangles is left out.
          else await run('cp', ['-rL', files(below), directory]).catch(() => {});
        },
      },
    }),
  ];
}

export function copyingSubject(
  name: string,
  mounter: Mounter,
  { driver, wrong, claims = [] }: Broken = {},
): Subject {
  const opened = new Map<string, number>();
  return {
    name,
    capabilities: new Set<Capability>(['mounts', 'reopen', ...claims]),
    async open(root) {
      const before = opened.get(root) ?? 0;
      opened.set(root, before + 1);
      const right = await DirectorySnapshotter.open(root, { ...copying, ...driver });
      return altered(right, wrong?.(before, root) ?? (() => ({})));
    },
    mount: mounter.withMount.bind(mounter),
  };
}

/** Does something to a child by its parent before it is committed. */
function meddling(meddle: (own: string, below: string) => Promise<unknown>): Partial<LayerDriver> {
  const parents = new Map<string, string>();
  return {
    async make(directory, below, ...rest) {
      if (below !== undefined) parents.set(directory, below);
      await copying.make(directory, below, ...rest);
    },
    async sync(directory) {
      const below = parents.get(directory);
      if (below !== undefined) await meddle(files(directory), files(below));
    },
  };
}

/** Adds what the parent has and the child has not. */
function merging(): Partial<LayerDriver> {
  // A file in the place of a directory is in the way, and stays.
  return meddling((own, below) => run('cp', ['-an', `${below}/.`, own]).catch(() => {}));
}

/** Puts the parent's in the place of what is of another kind. */
function keepingKinds(): Partial<LayerDriver> {
  return meddling(async (own, below) => {
    const kindOf = async (path: string) => (await lstat(path)).mode & constants.S_IFMT;
    for (const name of await readdir(below)) {
      const [ours, theirs] = await Promise.all([own, below].map((at) => kindOf(join(at, name))));
      if (ours === theirs) continue;
      await rm(join(own, name), { recursive: true });
      await run('cp', ['-a', join(below, name), own]);
    }
  });
}

/** Makes again at the next start what was removed before. */
function returning(): NonNullable<Broken['wrong']> {
  const removed = new Map<string, string[]>();
  return (opened, root) => (right) => {
    const gone = removed.get(root) ?? [];
    removed.set(root, gone);
    let restored = opened === 0;
    return {
      async remove(key, options) {
        await right.remove(key, options);
        gone.push(key);
      },
      async *list(...args) {
        if (!restored) for (const key of gone) await right.prepare(key, '').catch(() => {});
        restored = true;
        yield* right.list(...args);
      },
    };
  };
}
