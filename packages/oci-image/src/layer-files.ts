import { createReadStream, type Stats } from 'node:fs';
import { lstat, readdir, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type CallOptions, Fault, quote } from '@stowage/core';
import type { TarItem } from './tar-write.ts';

/** One thing in a layer. Its parents are made, root's and 0755, where nothing says otherwise. */
export type LayerFile = LayerPlace &
  (
    | { readonly data: string | Uint8Array }
    /** A file of this machine. */
    | { readonly source: string }
    /** Where a symbolic link leads. */
    | { readonly link: string }
    | { readonly directory: true }
  );

interface LayerPlace {
  /** Relative to the root of the image. */
  readonly path: string;
  /** Default: 0755 for directories, 0644 for data; a `source` keeps its own. */
  readonly mode?: number | undefined;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
}

/** Where a layer's files come from: a whole directory, or single ones. */
export type LayerSource =
  | { readonly directory: string; readonly uid?: number | undefined; readonly gid?: number | undefined }
  | readonly LayerFile[];

/**
 * The items of a layer, sorted, so that the same files always make the same layer. Owners are root unless said
 * otherwise, times the epoch. Extended attributes are not read, and sockets left out.
 *
 * @throws Fault `invalid_argument` for a path that leaves the root; whatever the file system throws.
 */
export async function* layerItems(source: LayerSource, options: CallOptions = {}): AsyncGenerator<TarItem> {
  if ('directory' in source) {
    yield* directoryItems(source, '', new Map(), options);
    return;
  }
  const items = new Map<string, LayerFile>();
  for (const file of source) {
    const path = innerPath(file.path);
    for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) {
      const parent = path.slice(0, at);
      if (!items.has(parent)) items.set(parent, { path: parent, directory: true });
    }
    items.set(path, file);
  }
  for (const [path, file] of [...items].sort(([a], [b]) => compare(a, b)))
    yield await fileItem(path, file, options);
}

function innerPath(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.length === 0 || parts.includes('..') || path.includes('\0')) {
    throw new Fault('invalid_argument', `layer file ${quote(path)}: must be a path inside the image`);
  }
  return parts.join('/');
}

async function fileItem(path: string, file: LayerFile, options: CallOptions): Promise<TarItem> {
  const place = { path, uid: file.uid, gid: file.gid };
  if ('directory' in file) return { ...place, type: 'Directory', mode: file.mode ?? 0o755 };
  if ('link' in file) return { ...place, type: 'SymbolicLink', mode: 0o777, linkPath: file.link };
  if ('data' in file) {
    const bytes = Buffer.from(file.data);
    return {
      ...place,
      type: 'File',
      mode: file.mode ?? 0o644,
      sizeBytes: bytes.byteLength,
      body: once(bytes),
    };
  }
  const stats = await stat(file.source);
  if (!stats.isFile())
    throw new Fault('invalid_argument', `layer file ${quote(file.source)}: is no regular file`);
  return {
    ...place,
    ...regular(file.source, stats, options),
    ...(file.mode !== undefined && { mode: file.mode }),
  };
}

async function* directoryItems(
  source: {
    readonly directory: string;
    readonly uid?: number | undefined;
    readonly gid?: number | undefined;
  },
  inside: string,
  linked: Map<string, string>,
  options: CallOptions,
): AsyncGenerator<TarItem> {
  const names = await readdir(join(source.directory, inside));
  for (const name of names.sort(compare)) {
    options.signal?.throwIfAborted();
    const path = inside === '' ? name : `${inside}/${name}`;
    const full = join(source.directory, path);
    const stats = await lstat(full);
    const place = { path, uid: source.uid, gid: source.gid, mode: stats.mode & 0o7777 };
    const known =
      stats.nlink > 1 && !stats.isDirectory() ? linked.get(`${stats.dev}:${stats.ino}`) : undefined;
    if (known !== undefined) {
      yield { ...place, type: 'Link', linkPath: known };
      continue;
    }
    linked.set(`${stats.dev}:${stats.ino}`, path);
    if (stats.isFile()) yield { ...place, ...regular(full, stats, options) };
    else if (stats.isSymbolicLink()) yield { ...place, type: 'SymbolicLink', linkPath: await readlink(full) };
    else if (stats.isFIFO()) yield { ...place, type: 'FIFO' };
    else if (stats.isCharacterDevice())
      yield { ...place, type: 'CharacterDevice', ...deviceNumbers(stats.rdev) };
    else if (stats.isBlockDevice()) yield { ...place, type: 'BlockDevice', ...deviceNumbers(stats.rdev) };
    else if (stats.isDirectory()) {
      yield { ...place, type: 'Directory' };
      yield* directoryItems(source, path, linked, options);
    }
  }
}

function regular(path: string, stats: Stats, { signal }: CallOptions) {
  return {
    type: 'File' as const,
    mode: stats.mode & 0o7777,
    sizeBytes: stats.size,
    // Opened when it is read, so that a large tree never holds more than one.
    body: fileBytes(path, signal),
  };
}

async function* fileBytes(path: string, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path, { signal, highWaterMark: 256 * 1024 });
  } catch (e) {
    signal?.throwIfAborted();
    throw e;
  }
}

/** As glibc's gnu_dev_major and gnu_dev_minor take them apart. */
function deviceNumbers(rdev: number): { readonly major: number; readonly minor: number } {
  const bits = BigInt(rdev);
  return {
    major: Number(((bits >> 8n) & 0xfffn) | ((bits >> 32n) & 0xfffff000n)),
    minor: Number((bits & 0xffn) | ((bits >> 12n) & 0xffffff00n)),
  };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** By bytes, whatever the locale. */
function compare(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
