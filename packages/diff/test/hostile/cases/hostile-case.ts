import type { Entry } from '../../tar-writer.ts';

/**
 * What must be true afterwards, by path: a file's content, `-> target` of a link, `dir/`, `node`, `=other` for one
 * more name of the file `other`, or null for nothing.
 */
export type After = Readonly<Record<string, string | null>>;

/**
 * A layer that means harm, or is odd. `CANARY` in its names and links stands for the absolute path of a tree outside,
 * which is filled in by who applies it.
 */
export interface HostileCase {
  readonly id: string;
  /** The layer below. */
  readonly base?: readonly Entry[];
  /** Entries, and bytes as they are. */
  readonly layer: readonly (Entry | Uint8Array)[];
  /** Only so many bytes of the archive arrive. */
  readonly cutAt?: number;
  readonly after?: After;
  /** `mode uid:gid` afterwards, by path. */
  readonly stats?: Readonly<Record<string, string>>;
  /** Seconds of the last change, by path. */
  readonly times?: Readonly<Record<string, number>>;
  /** Names of all extended attributes but the filesystem's own afterwards, by path. */
  readonly xattrs?: Readonly<Record<string, readonly string[]>>;
  /** Refused with `invalid_argument`, and a message that matches. */
  readonly refused?: RegExp;
  /** The refusal is of bytes that are no entry, so its message names none. */
  readonly nameless?: true;
}
