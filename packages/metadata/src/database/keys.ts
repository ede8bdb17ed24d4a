import { Fault, quote } from '@stowage/core';

// v1/<namespace>/<table>/<name>. A namespace is a checked identifier and so holds no '/' or '!'. The last part is
// free text as it is, so tables list in the order of names; what stands before it is escaped. Nothing that a
// caller names can leave its table.

/** The tables of a namespace whose objects garbage collection knows. */
export type Table = 'images' | 'containers' | 'sandboxes' | 'leases' | 'content' | 'ingests' | 'mounts';

/** Lists of the database's own, by sequence number. */
export type List = 'log' | 'intent' | 'garbage';

export const META_KEY = 'v1/!meta';
/** The sequence number with which the log begins; what was before it has been dropped on purpose. */
export const LOG_START_KEY = 'v1/!log-start';
export const NAMESPACES = 'v1/!namespaces/';

export function objectKey(namespace: string, table: Table, name: string): string {
  return `${tablePrefix(namespace, table)}${checked(name)}`;
}

export function tablePrefix(namespace: string, table: Table): string {
  return `v1/${namespace}/${table}/`;
}

export function namespaceKey(name: string): string {
  return `${NAMESPACES}${name}`;
}

export function namespacePrefix(namespace: string): string {
  return `v1/${namespace}/`;
}

export function snapshotKey(namespace: string, snapshotter: string, key: string): string {
  return `${snapshotPrefix(namespace, snapshotter)}${checked(key)}`;
}

export function snapshotPrefix(namespace: string, snapshotter: string): string {
  return `v1/${namespace}/snapshots/${escaped(snapshotter)}/`;
}

/** Back edge from a parent to a child. */
export function childKey(namespace: string, snapshotter: string, parent: string, child: string): string {
  return `${childPrefix(namespace, snapshotter, parent)}${checked(child)}`;
}

export function childPrefix(namespace: string, snapshotter: string, parent: string): string {
  return `v1/${namespace}/children/${escaped(snapshotter)}/${escaped(parent)}/`;
}

/** What a back edge leads to, or undefined for another key. */
export function parseChildKey(key: string):
  | {
      readonly namespace: string;
      readonly snapshotter: string;
      readonly parent: string;
      readonly child: string;
    }
  | undefined {
  const [, namespace = '', table, snapshotter = '', parent = '', ...child] = key.split('/');
  if (table !== 'children') return undefined;
  return {
    namespace,
    snapshotter: unescaped(snapshotter),
    parent: unescaped(parent),
    child: child.join('/'),
  };
}

/** Edge from a lease to what it holds. */
export function resourceKey(namespace: string, lease: string, type: string, id: string): string {
  return `${resourcePrefix(namespace, lease)}${escaped(type)}/${checked(id)}`;
}

export function resourcePrefix(namespace: string, lease: string): string {
  return `v1/${namespace}/resources/${escaped(lease)}/`;
}

export function listPrefix(list: List): string {
  return `v1/!${list}/`;
}

/** Key of an entry of a list; `part` tells those with the same number apart. */
export function listKey(list: List, seq: bigint, part?: number): string {
  const at = `${listPrefix(list)}${seq.toString(16).padStart(16, '0')}`;
  return part === undefined ? at : `${at}/${part.toString(16).padStart(4, '0')}`;
}

export function seqOf(list: List, key: string): bigint {
  const start = listPrefix(list).length;
  return BigInt(`0x${key.slice(start, start + 16)}`);
}

/** Lock that stands for the bytes of a blob, which namespaces share. No record has this key. */
export function blobLock(digest: string): string {
  return `v1/!blob/${digest}`;
}

/** Lock that stands for there being a snapshotter: shared by whoever makes a snapshot of it. No record has this key. */
export function snapshotLock(snapshotter: string): string {
  return `v1/!snapshotter/${snapshotter}`;
}

/** Everything of all namespaces. Their names begin with a letter or digit, the database's own lists with a '!'. */
export const OBJECTS = { gte: 'v1/0', lt: 'v10' } as const;

/** Everything whose key begins with `prefix`, which ends in a slash. */
export function rangeOf(prefix: string): { readonly gte: string; readonly lt: string } {
  return { gte: prefix, lt: `${prefix.slice(0, -1)}0` };
}

export type ParsedKey =
  | { readonly namespace: string; readonly table: Table; readonly name: string }
  | {
      readonly namespace: string;
      readonly table: 'snapshots';
      readonly snapshotter: string;
      readonly name: string;
    }
  | {
      readonly namespace: string;
      readonly table: 'resources';
      readonly lease: string;
      readonly type: string;
      readonly name: string;
    };

/** What a key names, or undefined for back edges and the database's own. */
export function parseKey(key: string): ParsedKey | undefined {
  const [namespace, tableAt] = part(key, 'v1/'.length);
  const [table, at] = part(key, tableAt);
  if (at > key.length) return undefined;
  switch (table) {
    case 'images':
    case 'containers':
    case 'sandboxes':
    case 'leases':
    case 'content':
    case 'ingests':
    case 'mounts':
      return { namespace, table, name: key.slice(at) };
    case 'snapshots': {
      const [snapshotter, nameAt] = part(key, at);
      return { namespace, table, snapshotter: unescaped(snapshotter), name: key.slice(nameAt) };
    }
    case 'resources': {
      const [lease, typeAt] = part(key, at);
      const [type, nameAt] = part(key, typeAt);
      return {
        namespace,
        table,
        lease: unescaped(lease),
        type: unescaped(type),
        name: key.slice(nameAt),
      };
    }
    default:
      return undefined;
  }
}

/** Up to the next slash, and where the next part begins. */
function part(key: string, from: number): readonly [part: string, next: number] {
  const slash = key.indexOf('/', from);
  return slash < 0 ? [key.slice(from), key.length + 1] : [key.slice(from, slash), slash + 1];
}

const ESCAPED = /[%/!\0]/g;

function escaped(part: string): string {
  return checked(part).replace(
    ESCAPED,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

function unescaped(part: string): string {
  if (!part.includes('%')) return part;
  return part.replace(/%([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** Two names that differ only in broken surrogates would share a key in UTF-8. */
function checked(name: string): string {
  if (!name.isWellFormed())
    throw new Fault('invalid_argument', `name ${quote(name)} is not well-formed Unicode`);
  return name;
}
