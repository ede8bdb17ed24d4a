import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  realpathSync,
  symlinkSync,
} from 'node:fs';
import { hasCode, lchmod, makedev, mknod } from '@stowage/linux';
import { malformed } from '../tar/malformed.ts';
import type { TarEntry, TarReader } from '../tar/reader.ts';
import { setOwner, setTimes, setXattrs } from './attributes.ts';
import { entryFailure } from './failure.ts';
import { writeData } from './file-data.ts';
import { LoneLayer } from './lone-layer.ts';
import { Marks } from './marks.ts';
import { bytesOf, join, placeIn, rooted, split, whiteoutOf } from './names.ts';
import { Parents } from './parents.ts';
import { Remover } from './removal.ts';
import { Whiteouts } from './whiteouts.ts';

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY, S_IFBLK, S_IFCHR, S_IFIFO } = constants;

export interface ApplyLayerOptions {
  /** See {@link RemoverOptions}. */
  readonly trash: string | undefined;
  /** Throws when the unpack was given up. */
  readonly check: () => void;
  /** Without the layers below: the attribute that marks opaque directories. See {@link LoneLayer}. */
  readonly lone?: string | undefined;
}

/**
 * Unpacks a layer into the root directory of this thread, which the kernel confines: no name or link of the archive is
 * trusted to stay inside, and none has to be.
 *
 * What an entry is called is where it goes, through the links that are there by then; whatever is there already gives
 * way, but a directory to a directory. Nothing that exists is ever opened for writing: opening a FIFO or device of the
 * layer would hang or reach out.
 *
 * @see containerd pkg/archive/tar.go (applyNaive, createTarFile), image-spec layer.md
 */
export class LayerApplier {
  readonly #reader: TarReader;
  readonly #check: () => void;
  readonly #parents: Parents;
  readonly #marks = new Marks();
  readonly #remover: Remover;
  readonly #whiteouts: Pick<Whiteouts, 'remove' | 'empty'>;
  readonly #lone: LoneLayer | undefined;
  /** A directory or a link gave way to something. */
  #hasRemoved = false;
  /** Set last: every file that is made in a directory touches its time. */
  readonly #directoryTimes = new Map<string, Pick<TarEntry, 'mtimeNs' | 'atimeNs'>>();

  constructor(reader: TarReader, { trash, check, lone }: ApplyLayerOptions) {
    this.#reader = reader;
    this.#check = check;
    const onRemoved = () => {
      this.#hasRemoved = true;
      this.#parents.forget();
    };
    this.#remover = new Remover({ trash, check, onRemoved });
    const layer = lone === undefined ? undefined : new LoneLayer(this.#marks, this.#remover, lone);
    this.#lone = layer;
    this.#parents = new Parents(layer && ((path) => layer.directory(path)));
    this.#whiteouts = layer ?? new Whiteouts(this.#marks, this.#remover, trash);
  }

  /** See {@link LoneLayer.needsBelow}. */
  get needsBelow(): boolean {
    return this.#lone?.needsBelow ?? false;
  }

  /** The trash, if there is something in it now, also after a failure. */
  get trash(): string | undefined {
    return this.#remover.trash;
  }

  apply(): void {
    for (;;) {
      this.#check();
      const entry = this.#reader.next();
      if (entry === undefined) break;
      try {
        this.#unpack(entry);
      } catch (e) {
        throw entryFailure(e, entry);
      }
    }
    this.#lone?.finish();
    for (const [path, times] of this.#directoryTimes) {
      if (this.#isStillThere(path)) setTimes(path, times);
    }
  }

  /** Whether a path that was a real directory's is so still: a link may be on it by now, and lead elsewhere. */
  #isStillThere(path: string): boolean {
    if (!this.#hasRemoved) return true;
    const bytes = bytesOf(path);
    try {
      return realpathSync.native(bytes, 'latin1') === path && lstatSync(bytes).isDirectory();
    } catch (e) {
      if (hasCode(e, 'ENOENT', 'ENOTDIR', 'ELOOP')) return false;
      throw e;
    }
  }

  #unpack(entry: TarEntry): void {
    const path = rooted(entry.name);
    if (path === '/') {
      // containerd leaves the root as the snapshotter made it, whatever a layer says of it.
      if (entry.kind === 'directory') return;
      throw malformed('the root can only be a directory');
    }
    const { parent, base } = split(path);
    const whiteout = whiteoutOf(base);
    const directory = this.#parents.resolve(parent);
    if (whiteout !== undefined) {
      if ('opaque' in whiteout) this.#whiteouts.empty(directory);
      else this.#whiteouts.remove(join(directory, whiteout.removed));
      return;
    }
    const place = placeIn(directory, base);
    // How an overlay writes down a whiteout: somebody packed a directory of one.
    if (entry.kind === 'char' && entry.devmajor === 0 && entry.devminor === 0) {
      this.#whiteouts.remove(place);
      return;
    }
    this.#make(entry, place);
    this.#marks.add(place);
  }

  #make(entry: TarEntry, place: string): void {
    if (entry.kind === 'file') this.#file(entry, place);
    else if (entry.kind === 'directory') this.#directory(entry, place);
    else if (entry.kind === 'symlink') this.#symlink(entry, place);
    else if (entry.kind === 'hardlink') this.#hardlink(entry, place);
    else this.#node(entry, place);
  }

  /** Makes something where nothing may be; if something is, removes that and tries once more. */
  #replacing<T>(place: string, make: (path: string | Buffer) => T): T {
    const bytes = bytesOf(place);
    try {
      return make(bytes);
    } catch (e) {
      if (!hasCode(e, 'EEXIST')) throw e;
    }
    this.#remover.remove(place);
    return make(bytes);
  }

  #file(entry: TarEntry, place: string): void {
    const flags = O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY;
    const fd = this.#replacing(place, (path) => openSync(path, flags, entry.mode & 0o777));
    try {
      writeData(this.#reader, entry, fd);
      this.#own(fd, entry);
    } finally {
      closeSync(fd);
    }
    setTimes(place, entry);
  }

  /** The mode comes last: a change of owner takes setuid and setgid away. */
  #own(fd: number, entry: TarEntry): void {
    fchownSync(fd, entry.uid, entry.gid);
    setXattrs(fd, entry);
    fchmodSync(fd, entry.mode);
  }

  #directory(entry: TarEntry, place: string): void {
    const bytes = bytesOf(place);
    try {
      mkdirSync(bytes, entry.mode & 0o777);
    } catch (e) {
      if (!hasCode(e, 'EEXIST')) throw e;
      if (!lstatSync(bytes).isDirectory()) {
        this.#remover.remove(place);
        mkdirSync(bytes, entry.mode & 0o777);
        this.#lone?.startsAnew(place);
      }
    }
    const fd = openSync(bytes, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    try {
      this.#own(fd, entry);
    } finally {
      closeSync(fd);
    }
    this.#directoryTimes.set(place, { mtimeNs: entry.mtimeNs, atimeNs: entry.atimeNs });
  }

  #symlink(entry: TarEntry, place: string): void {
    if (entry.linkname.includes('\0')) throw malformed('a link has a NUL');
    this.#replacing(place, (path) => symlinkSync(bytesOf(entry.linkname), path));
    setOwner(place, entry);
    setXattrs(bytesOf(place), entry);
    setTimes(place, entry);
  }

  /**
   * One more name for what is there. Its header's owner, mode and times are those of the file it names and are not
   * applied again, since a change of owner would cost that file its capabilities.
   */
  #hardlink(entry: TarEntry, place: string): void {
    const target = rooted(entry.linkname);
    const from = bytesOf(target);
    this.#lone?.checkLinked(target);
    try {
      this.#replacing(place, (path) => {
        try {
          linkSync(from, path);
        } catch (e) {
          if (!hasCode(e, 'EEXIST') || !isSame(from, path)) throw e;
        }
      });
    } catch (e) {
      if (hasCode(e, 'EPERM'))
        throw malformed(`a hard link to ${JSON.stringify(target)}, which can have none`, e);
      throw e;
    }
  }

  #node(entry: TarEntry, place: string): void {
    const { kind, mode, devmajor, devminor } = entry;
    const type = kind === 'fifo' ? S_IFIFO : kind === 'char' ? S_IFCHR : S_IFBLK;
    if (devmajor < 0 || devmajor > 0xfff || devminor < 0 || devminor > 0xfffff) {
      throw malformed(`device ${devmajor}:${devminor} is out of range`);
    }
    const device = kind === 'fifo' ? 0 : makedev(devmajor, devminor);
    this.#replacing(place, (path) => mknod(path, type | mode, device));
    setOwner(place, entry);
    setXattrs(bytesOf(place), entry);
    if ((mode & 0o7000) !== 0) lchmod(bytesOf(place), mode);
    setTimes(place, entry);
  }
}

function isSame(a: string | Buffer, b: string | Buffer): boolean {
  const [x, y] = [lstatSync(a, { bigint: true }), lstatSync(b, { bigint: true })];
  return x.ino === y.ino && x.dev === y.dev;
}
