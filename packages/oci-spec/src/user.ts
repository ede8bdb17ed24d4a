import { Fault, quote } from '@stowage/core';
import type { SpecOption } from './compose.ts';
import { changeProcess } from './process-options.ts';
import type { ProcessUser } from './spec.ts';
import {
  findUser,
  groups,
  groupsOf,
  MAX_ID,
  numericId,
  type UserFiles,
  type UserLookup,
} from './user-files.ts';

/** What useradd takes. A name never starts with a digit or sign, so no mistyped number is looked up as a name. */
const NAME = /^[A-Za-z_][A-Za-z0-9_.-]{0,255}\$?$/;

type Part = { readonly id: number } | { readonly name: string };

/**
 * Whom the process runs as: `uid`, `user`, `uid:gid`, `user:group` or mixed, as an image's USER.
 *
 * Without a group, it is the user's of `/etc/passwd`, or 0 for an id that is not listed there. Supplementary groups
 * are the primary one and those of `/etc/group` that list the user (CVE-2023-25173).
 *
 * @param lookup - asked only once, and not at all for what makes no sense. Without it, only numbers can be given.
 * @throws Fault `invalid_argument` for what is neither id nor name, and for ids out of range (CVE-2024-40635,
 *   CVE-2026-46680); `not_found` for a name that the image does not have; `failed_precondition` for a name without
 *   a lookup.
 */
export function withUser(user: string, lookup?: UserLookup): SpecOption {
  const who = parseUser(user);
  return async (spec) => changeProcess(spec, { user: { ...(await resolveUser(user, who, lookup)) } });
}

/**
 * Further groups, by id, besides those that it has. Goes behind {@link withUser}, which decides on all of them.
 *
 * @throws Fault `invalid_argument` for ids out of range.
 */
export function withAdditionalGroups(ids: readonly number[]): SpecOption {
  for (const id of ids)
    if (!Number.isInteger(id) || id < 0 || id > MAX_ID)
      throw new Fault('invalid_argument', `group ${id}: must be between 0 and ${MAX_ID}`);
  return (spec) => {
    const user = spec.process?.user ?? { uid: 0, gid: 0 };
    const additionalGids = [...new Set([...(user.additionalGids ?? [user.gid]), ...ids])];
    return changeProcess(spec, { user: { ...user, additionalGids } });
  };
}

function parseUser(text: string): { readonly user: Part; readonly group: Part | undefined } {
  const [user = '', group, ...more] = text.split(':');
  if (more.length > 0)
    throw new Fault('invalid_argument', `user ${quote(text)} must read user[:group], as 1000:1000`);
  return {
    user: parsePart(text, 'user', user),
    group: group === undefined ? undefined : parsePart(text, 'group', group),
  };
}

function parsePart(text: string, what: string, part: string): Part {
  const id = numericId(part);
  if (id !== undefined) return { id };
  if (NAME.test(part)) return { name: part };
  const reason = /^[+-]?[0-9]+$/.test(part)
    ? `${what} id is not between 0 and ${MAX_ID}`
    : `${what} must be a decimal id or a name`;
  throw new Fault('invalid_argument', `user ${quote(text)}: ${reason}`);
}

async function resolveUser(
  text: string,
  { user, group }: { readonly user: Part; readonly group: Part | undefined },
  lookup: UserLookup | undefined,
): Promise<ProcessUser> {
  if (lookup === undefined && ('name' in user || (group !== undefined && 'name' in group))) {
    throw new Fault(
      'failed_precondition',
      `user ${quote(text)}: a name needs the root file system's /etc/passwd and /etc/group; give numbers`,
    );
  }
  const files: UserFiles = lookup === undefined ? {} : await lookup();
  const entry = findUser(files, (e) => ('id' in user ? e.uid === user.id : e.name === user.name));
  if (entry === undefined && 'name' in user)
    throw new Fault('not_found', `user ${quote(text)}: no ${quote(user.name)} in the image's /etc/passwd`);
  const uid = 'id' in user ? user.id : (entry?.uid ?? 0);
  const gid = group === undefined ? (entry?.gid ?? 0) : groupId(text, group, files);
  const others = entry === undefined ? [] : groupsOf(files, entry.name);
  return { uid, gid, additionalGids: [gid, ...others.filter((id) => id !== gid)] };
}

function groupId(text: string, group: Part, files: UserFiles): number {
  if ('id' in group) return group.id;
  for (const entry of groups(files)) if (entry.name === group.name) return entry.gid;
  throw new Fault('not_found', `user ${quote(text)}: no ${quote(group.name)} in the image's /etc/group`);
}
