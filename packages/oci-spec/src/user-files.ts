import { Fault } from '@stowage/core';

/** The bytes of a root file system's `/etc/passwd` and `/etc/group`; undefined where there is none. */
export interface UserFiles {
  readonly passwd?: Uint8Array | undefined;
  readonly group?: Uint8Array | undefined;
}

/**
 * Reads them. Whoever implements it resolves links inside the root, opens regular files only, and reads no more than
 * {@link MAX_USER_FILE_BYTES} and one byte of each.
 */
export type UserLookup = () => Promise<UserFiles>;

/** Longest file that is looked at (CVE-2026-47262). */
export const MAX_USER_FILE_BYTES = 10 * 1024 * 1024;

/** runc takes no larger id. */
export const MAX_ID = 0x7fffffff;

/** Most supplementary groups that Linux takes (NGROUPS_MAX). */
const MAX_GROUPS = 65_536;

export interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

export interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/** The first entry that fits. Lines that do not read as they should, ids out of range included, are passed over. */
export function findUser(files: UserFiles, fits: (entry: PasswdEntry) => boolean): PasswdEntry | undefined {
  for (const [name = '', , uid = '', gid = ''] of lines(files.passwd, 'passwd')) {
    const entry = { name, uid: numericId(uid), gid: numericId(gid) };
    if (name !== '' && entry.uid !== undefined && entry.gid !== undefined && fits(entry as PasswdEntry)) {
      return entry as PasswdEntry;
    }
  }
  return undefined;
}

export function* groups(files: UserFiles): Generator<GroupEntry> {
  for (const [name = '', , id = '', members = ''] of lines(files.group, 'group')) {
    const gid = numericId(id);
    if (name !== '' && gid !== undefined) yield { name, gid, members: members.split(',') };
  }
}

/** Ids of the groups that list the user, without one of the user's own name (containerd WithAdditionalGIDs). */
export function groupsOf(files: UserFiles, user: string): number[] {
  const ids = new Set<number>();
  for (const { name, gid, members } of groups(files)) {
    if (name !== user && members.includes(user)) ids.add(gid);
    if (ids.size > MAX_GROUPS) {
      throw new Fault('invalid_argument', `groups of user: more than ${MAX_GROUPS} in /etc/group`);
    }
  }
  return [...ids];
}

/** Decimal digits and nothing else, and not out of range: `-1`, `0x0`, `1e3`, `4294967296` are no ids. */
export function numericId(text: string): number | undefined {
  if (!/^[0-9]{1,32}$/.test(text)) return undefined;
  const id = Number(text);
  return id <= MAX_ID ? id : undefined;
}

/** One line at a time, so that a hostile file costs no more than its own size. */
function* lines(bytes: Uint8Array | undefined, what: string): Generator<string[]> {
  if (bytes === undefined) return;
  if (bytes.byteLength > MAX_USER_FILE_BYTES) {
    throw new Fault(
      'invalid_argument',
      `read /etc/${what}: longer than ${MAX_USER_FILE_BYTES} bytes; the image is not fit to look users up in`,
    );
  }
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let start = 0; start < buffer.length; ) {
    const newline = buffer.indexOf(10, start);
    const end = newline < 0 ? buffer.length : newline;
    const line = buffer.toString('utf8', start, end).trim();
    if (line !== '' && !line.startsWith('#')) yield line.split(':');
    start = end + 1;
  }
}
