import {
  appendFileSync,
  chmodSync,
  constants,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { hasCode, lutimes, makedev, mknod, setXattr } from '@stowage/linux';
import { at, pathsIn } from './tree.ts';

/** A number below another, the same every time for the same seed (mulberry32). */
export type Pick = (below: number) => number;

export function seeded(seed: number): Pick {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const NAMES = ['a', 'b', 'c', 'd', 'a-', 'a.b', '\xff\xfe', 'caf\xc3\xa9', 'new\nline', 'n'.repeat(240), ' '];

const { S_IFBLK, S_IFCHR, S_IFIFO, S_IFSOCK } = constants;

/** What a task does to its files, at random. Times are set, all different, as they are between two layers. */
export class Changes {
  readonly #root: string;
  readonly #pick: Pick;
  #clock: bigint;

  constructor(root: string, pick: Pick, clock: bigint) {
    this.#root = root;
    this.#pick = pick;
    this.#clock = clock;
  }

  make(count: number): void {
    for (let i = 0; i < count; i++) {
      try {
        this.#one(this.#of(this.#steps));
      } catch (e) {
        // What a kernel does not do in this place, such as to rename a directory of a lower layer.
        if (
          !hasCode(e, 'EXDEV', 'EEXIST', 'ENOTEMPTY', 'ENOTDIR', 'EISDIR', 'EINVAL', 'EPERM', 'ENAMETOOLONG')
        )
          throw e;
      }
    }
  }

  #of<T>(values: readonly T[]): T {
    return values[this.#pick(values.length)] as T;
  }

  /** Of a path that is there, which an empty tree lacks. */
  #some(test: (path: string) => boolean = () => true): string | undefined {
    const paths = pathsIn(this.#root).filter(test);
    return paths.length === 0 ? undefined : this.#of(paths);
  }

  readonly #isDirectory = (path: string) => lstatSync(at(this.#root, path)).isDirectory();

  #new(): string {
    const parent = this.#pick(4) === 0 ? undefined : this.#some(this.#isDirectory);
    return parent === undefined ? this.#of(NAMES) : `${parent}/${this.#of(NAMES)}`;
  }

  /** A time of its own; one in three has no fraction, as out of an old archive. */
  #touch(path: string): void {
    this.#clock += BigInt(1 + this.#pick(5_000)) * 1_000_000_007n;
    const ns = this.#pick(3) === 0 ? (this.#clock / 1_000_000_000n) * 1_000_000_000n : this.#clock;
    lutimes(at(this.#root, path), ns, ns);
  }

  #own(path: string): void {
    const place = at(this.#root, path);
    lchownSync(place, this.#of([0, 1000, 4_000_000]), this.#of([0, 7, 3_000_000]));
    if (!lstatSync(place).isSymbolicLink())
      chmodSync(place, this.#of([0o644, 0o755, 0o4755, 0o2711, 0o1777]));
  }

  #one(step: (path: string) => string | undefined): void {
    const path = step(this.#new());
    if (path !== undefined) this.#touch(path);
  }

  #replace(path: string, make: (place: Buffer) => void): string {
    rmSync(at(this.#root, path), { recursive: true, force: true });
    make(at(this.#root, path));
    this.#own(path);
    return path;
  }

  #changed(change: (place: Buffer) => void, test?: (path: string) => boolean): string | undefined {
    const path = this.#some(test);
    if (path !== undefined) change(at(this.#root, path));
    return path;
  }

  readonly #isFile = (path: string) => lstatSync(at(this.#root, path)).isFile();

  readonly #steps: readonly ((path: string) => string | undefined)[] = [
    (path) => this.#replace(path, (place) => writeFileSync(place, 'x'.repeat(this.#pick(3000)))),
    (path) => this.#replace(path, (place) => writeFileSync(place, String(this.#clock))),
    (path) => this.#replace(path, (place) => mkdirSync(place)),
    (path) => this.#replace(path, (place) => mkdirSync(place)),
    (path) => this.#replace(path, (place) => symlinkSync(this.#of(NAMES), place)),
    (path) => this.#replace(path, (place) => mknod(place, S_IFIFO | 0o600)),
    (path) => this.#replace(path, (place) => mknod(place, S_IFCHR | 0o600, makedev(1, this.#pick(9)))),
    (path) => this.#replace(path, (place) => mknod(place, S_IFBLK | 0o600, makedev(259, 300_000))),
    (path) => this.#replace(path, (place) => mknod(place, S_IFSOCK | 0o600)),
    (path) => {
      const from = this.#some((other) => !this.#isDirectory(other));
      if (from === undefined) return undefined;
      linkSync(at(this.#root, from), at(this.#root, path));
      // The time of the file stays: a link alone has to be noticed.
      return undefined;
    },
    (path) => {
      const from = this.#some();
      if (from === undefined || path.startsWith(`${from}/`)) return undefined;
      renameSync(at(this.#root, from), at(this.#root, path));
      return path;
    },
    () => {
      this.#changed((place) => rmSync(place, { recursive: true }));
      return undefined;
    },
    // Anew, with some of the old names.
    () => {
      const path = this.#some(this.#isDirectory);
      if (path === undefined) return undefined;
      const names = pathsIn(this.#root, path).filter((name) => !name.slice(path.length + 1).includes('/'));
      this.#replace(path, (place) => mkdirSync(place));
      for (const name of names) {
        if (this.#pick(3) === 0) writeFileSync(at(this.#root, name), 'again');
        else if (this.#pick(2) === 0) mkdirSync(at(this.#root, name));
        else continue;
        this.#touch(name);
      }
      return path;
    },
    () => this.#changed((place) => appendFileSync(place, 'more'), this.#isFile),
    () =>
      this.#changed(
        (place) => setXattr(place, 'user.note', Buffer.from([0, 10, this.#pick(3)])),
        this.#isFile,
      ),
    () => this.#changed((place) => setXattr(place, 'user.note', Buffer.from('d')), this.#isDirectory),
    () => this.#changed((place) => setXattr(place, 'security.capability', CAPABILITY), this.#isFile),
    () => {
      const path = this.#some();
      if (path !== undefined) this.#own(path);
      return undefined;
    },
    // Nothing, but an overlay copies it up.
    () => {
      this.#changed((place) => appendFileSync(place, ''), this.#isFile);
      return undefined;
    },
  ];
}

const CAPABILITY = Buffer.from('0100000200040000000000000000000000000000', 'hex');
