import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, lchown, link, lstat, lutimes, mkdir, open, rename, rm, symlink } from 'node:fs/promises';
import { errnoOf, Fault, quote, unlessAbsent } from '@stowage/core';
import { hasCode, mkfifo } from '@stowage/linux';
import type { TarItem } from '@stowage/oci-image/tar';
import { type Directory, split, type Tree } from './tree.ts';

const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

export interface PutOptions {
  /** Whose the files are to be; `kept`: whose they were; undefined: whoever makes them. */
  readonly owner: { readonly uid: number; readonly gid: number } | 'kept' | undefined;
  /** Whether set-user-id bits stay, which are a danger where others are trusted less. */
  readonly keepSetId: boolean;
}

/**
 * Where items are put: a directory of a tree. On the host no link below it is followed, whoever put it there; in a container
 * those are that lead to its own files.
 */
export class Destination implements Disposable {
  readonly #tree: Tree;
  readonly #path: string;
  readonly #base: Directory;
  readonly #options: PutOptions;
  readonly #passedOver: string[] = [];
  /** Times of directories, which change as things are put into them. */
  readonly #times: Array<{ readonly path: string; readonly mtime: Date }> = [];

  /** @throws ENOENT, ENOTDIR if there is no such directory. */
  constructor(tree: Tree, path: string, options: PutOptions) {
    this.#tree = tree;
    this.#path = path;
    this.#base = tree.directory(path);
    this.#options = options;
  }

  /** Devices, which are not made. */
  get passedOver(): readonly string[] {
    return this.#passedOver;
  }

  /** @throws Fault `invalid_argument` for a path that leads out of the directory. */
  async put(item: TarItem): Promise<void> {
    const path = cleanPath(item.path);
    if (path === '') return;
    const { dir, name } = split(`/${path}`);
    using parent = await this.#parent(dir.slice(1));
    switch (item.type) {
      case 'Directory':
        await this.#directory(parent, name, path, item);
        return;
      case 'File':
        await this.#file(parent, name, item);
        return;
      case 'Link': {
        const from = split(`/${cleanPath(item.linkPath ?? '')}`);
        using source = await this.#parent(from.dir.slice(1));
        await this.#placed(parent, name, (made) => link(source.at(from.name), made));
        return;
      }
      case 'SymbolicLink':
        await this.#placed(parent, name, async (made) => {
          await symlink(item.linkPath ?? '', made);
          await this.#own(made, item);
          await lutimes(made, item.mtime ?? new Date(), item.mtime ?? new Date());
        });
        return;
      case 'FIFO':
        await this.#placed(parent, name, async (made) => {
          mkfifo(made, item.mode & 0o777);
          await this.#own(made, item);
        });
        return;
      default:
        this.#passedOver.push(path);
    }
  }

  /** Sets what could not be set before all was there. */
  async finish(): Promise<void> {
    for (const { path, mtime } of this.#times.reverse()) {
      const { dir, name } = split(`/${path}`);
      using parent = await this.#parent(dir.slice(1));
      await lutimes(parent.at(name), mtime, mtime);
    }
  }

  async #directory(parent: Directory, name: string, path: string, item: TarItem): Promise<void> {
    const at = parent.at(name);
    const before = await unlessAbsent(lstat(at));
    // In a container one may stand behind a link.
    if (before?.isSymbolicLink() && !this.#tree.isHost) return;
    if (before !== undefined && !before.isDirectory())
      throw new Fault(
        'failed_precondition',
        `copy ${quote(path)}: there is a file of this name, and no directory`,
      );
    if (before === undefined) await mkdir(at);
    await this.#own(at, item);
    using made = parent.below(name);
    await chmod(made.at('.'), this.#mode(item));
    if (item.mtime !== undefined) this.#times.push({ path, mtime: item.mtime });
  }

  async #file(parent: Directory, name: string, item: TarItem): Promise<void> {
    await this.#placed(parent, name, async (made) => {
      await using file = await open(made, CREATE, 0o600);
      for await (const chunk of item.body ?? []) await file.appendFile(chunk);
      const { owner } = this.#options;
      if (owner === 'kept') await file.chown(item.uid ?? 0, item.gid ?? 0);
      else if (owner !== undefined) await file.chown(owner.uid, owner.gid);
      await file.chmod(this.#mode(item));
      if (item.mtime !== undefined) await file.utimes(item.mtime, item.mtime);
    });
  }

  /** Makes something beside its place, and has it take that in one step. A directory keeps its place. */
  async #placed(parent: Directory, name: string, make: (path: string) => Promise<void>): Promise<void> {
    const made = parent.at(`.${randomBytes(6).toString('hex')}.copy`);
    try {
      await make(made);
      await rename(made, parent.at(name));
    } catch (e) {
      await rm(made, { force: true });
      if (errnoOf(e) === 'EISDIR')
        throw new Fault('failed_precondition', `copy ${quote(name)}: there is a directory of this name`);
      throw e;
    }
  }

  async #own(path: string, { uid = 0, gid = 0 }: TarItem): Promise<void> {
    const { owner } = this.#options;
    if (owner === 'kept') await lchown(path, uid, gid);
    else if (owner !== undefined) await lchown(path, owner.uid, owner.gid);
  }

  #mode({ mode }: TarItem): number {
    return mode & (this.#options.keepSetId ? 0o7777 : 0o1777);
  }

  /** Directories that the items leave out are made. */
  async #parent(path: string): Promise<Directory> {
    try {
      return this.#tree.isHost ? this.#base.below(path) : this.#tree.directory(`${this.#path}/${path}`);
    } catch (e) {
      if (hasCode(e, 'ELOOP') || hasCode(e, 'ENOTDIR'))
        throw new Fault('failed_precondition', `copy into ${quote(path)}: a link or file stands in the way`);
      if (path === '' || !hasCode(e, 'ENOENT')) throw e;
    }
    const { dir, name } = split(`/${path}`);
    using above = await this.#parent(dir.slice(1));
    await mkdir(above.at(name), 0o755);
    return await this.#parent(path);
  }

  [Symbol.dispose](): void {
    this.#base[Symbol.dispose]();
  }
}

function cleanPath(path: string): string {
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  if (names.includes('..'))
    throw new Fault('invalid_argument', `copy ${quote(path)}: it leads out of the archive`);
  return names.join('/');
}
