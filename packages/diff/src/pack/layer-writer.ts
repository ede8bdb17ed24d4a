import { closeSync, fstatSync, readSync } from 'node:fs';
import { splitdev } from '@stowage/linux';
import { type HeaderFields, headerBlocks } from '../tar/write-header.ts';
import type { ArchiveStream } from './archive-stream.ts';
import { changed, openSeen } from './changed.ts';
import { type Attributes, attributesOf, type Directory, type Kind } from './directory.ts';
import type { Xattrs } from './xattrs.ts';

const TYPES: Readonly<Record<Kind, HeaderFields['type']>> = {
  file: '0',
  symlink: '2',
  char: '3',
  block: '4',
  directory: '5',
  fifo: '6',
};

const NO_XATTRS: Xattrs = new Map();

/** A directory on the way to entries; it stands in front of the first of them, changed or not. */
export interface Parent {
  readonly path: string;
  readonly attributes: Attributes;
  readonly xattrs: Xattrs;
  /** Undefined below the root, which is never written. */
  readonly parent: Parent | undefined;
  isWritten: boolean;
}

/** Something in the changed tree. */
export interface Item {
  readonly path: string;
  readonly parent: Parent | undefined;
  readonly attributes: Attributes;
  readonly xattrs: Xattrs;
  readonly directory: Directory;
  /** In that directory. */
  readonly name: string;
}

export interface LayerWriterOptions {
  /** Later times become this. */
  readonly mostMtimeNs: bigint | undefined;
  /** Throws when the work was given up. */
  readonly check: () => void;
}

/**
 * Writes changes as a layer, in the order in which they are told.
 *
 * Times keep their nanoseconds, which containerd cuts off: a layer then restores what was packed. Whiteouts have time 0.
 *
 * @see containerd pkg/archive/tar.go ChangeWriter, image-spec layer.md
 */
export class LayerWriter {
  readonly #stream: ArchiveStream;
  readonly #mostMtimeNs: bigint | undefined;
  readonly #check: () => void;
  /** The first name of each file with several that was written, by inode. */
  readonly #written = new Map<string, string>();
  /** Unchanged names of files that were not written: if another name of one is, so must they be, as links to it. */
  readonly #unchanged = new Map<string, { fields: HeaderFields; parent: Parent | undefined }[]>();

  constructor(stream: ArchiveStream, { mostMtimeNs, check }: LayerWriterOptions) {
    this.#stream = stream;
    this.#mostMtimeNs = mostMtimeNs;
    this.#check = check;
  }

  /** Something that is gone. */
  whiteout(parent: Parent | undefined, name: string): void {
    this.#include(parent);
    this.#removal(`${parent === undefined ? '' : `${parent.path}/`}.wh.${name}`);
  }

  /** A directory in place of another one, with nothing of what was in that. */
  replaced(directory: Parent, name: string): void {
    this.whiteout(directory.parent, name);
    this.#include(directory);
    // containerd turns the whiteout into a node, which the directory then replaces; this hides what is below.
    this.#removal(`${directory.path}/.wh..wh..opq`);
  }

  #removal(name: string): void {
    this.#header({
      type: '0',
      name,
      linkname: '',
      mode: 0,
      uid: 0,
      gid: 0,
      size: 0,
      mtimeNs: 0n,
      devmajor: 0,
      devminor: 0,
      xattrs: NO_XATTRS,
    });
  }

  /** A directory that is new or has changed. */
  directory(directory: Parent): void {
    this.#include(directory);
  }

  /** Anything else that is new or has changed. */
  entry(item: Item): void {
    const { path, parent, attributes, directory, name } = item;
    const first = attributes.isLinked ? this.#written.get(attributes.identity) : undefined;
    if (first !== undefined) {
      this.#link(this.#fields(item, attributes), first, parent);
      return;
    }
    if (attributes.kind === 'file') {
      this.#file(item);
    } else {
      this.#include(parent);
      const linkname = attributes.kind === 'symlink' ? directory.target(name) : '';
      this.#header({ ...this.#fields(item, attributes), linkname });
    }
    if (!attributes.isLinked) return;
    this.#written.set(attributes.identity, path);
    for (const other of this.#unchanged.get(attributes.identity) ?? []) {
      this.#link(other.fields, path, other.parent);
    }
    this.#unchanged.delete(attributes.identity);
  }

  /** Something that has not changed, and has other names. */
  unchanged(item: Item): void {
    const { parent, attributes } = item;
    const first = this.#written.get(attributes.identity);
    const fields = this.#fields(item, attributes);
    if (first !== undefined) {
      this.#link(fields, first, parent);
      return;
    }
    const others = this.#unchanged.get(attributes.identity);
    if (others === undefined) this.#unchanged.set(attributes.identity, [{ fields, parent }]);
    else others.push({ fields, parent });
  }

  #include(directory: Parent | undefined): void {
    const missing: Parent[] = [];
    for (let at = directory; at !== undefined && !at.isWritten; at = at.parent) missing.push(at);
    for (const one of missing.reverse()) {
      one.isWritten = true;
      this.#header({ ...this.#fields(one, one.attributes), name: `${one.path}/` });
    }
  }

  /** With the file's owner and attributes: some who unpack it set them again, and owners cost capabilities. */
  #link(fields: HeaderFields, first: string, parent: Parent | undefined): void {
    this.#include(parent);
    this.#header({ ...fields, type: '1', linkname: first, size: 0, devmajor: 0, devminor: 0 });
  }

  #file(item: Item): void {
    const { path, parent, attributes, directory, name } = item;
    const fd = openSeen(path, () => directory.openFile(name));
    try {
      const before = attributesOf(fstatSync(fd, { bigint: true }));
      if (before === undefined || before.identity !== attributes.identity) throw changed(path);
      this.#include(parent);
      this.#header({ ...this.#fields(item, before), size: before.size });
      this.#data(path, fd, before.size);
      const after = attributesOf(fstatSync(fd, { bigint: true }));
      if (after?.size !== before.size || after.mtimeNs !== before.mtimeNs) throw changed(path);
    } finally {
      closeSync(fd);
    }
    this.#stream.pad();
  }

  #data(path: string, fd: number, size: number): void {
    for (let left = size; left > 0; ) {
      this.#check();
      const read = readSync(fd, this.#stream.room(left));
      if (read === 0) throw changed(path);
      this.#stream.advance(read);
      left -= read;
    }
  }

  #fields({ path, xattrs }: Pick<Item, 'path' | 'xattrs'>, attributes: Attributes): HeaderFields {
    const { kind, mode, uid, gid, mtimeNs, rdev } = attributes;
    const { major, minor } = splitdev(rdev);
    const most = this.#mostMtimeNs;
    return {
      type: TYPES[kind],
      name: path,
      linkname: '',
      mode,
      uid,
      gid,
      size: 0,
      mtimeNs: most !== undefined && mtimeNs > most ? most : mtimeNs,
      devmajor: major,
      devminor: minor,
      xattrs,
    };
  }

  #header(fields: HeaderFields): void {
    this.#stream.write(headerBlocks(fields));
  }
}
