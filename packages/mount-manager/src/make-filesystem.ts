import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, link, lstat, open, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { type CallOptions, Fault, quote, reasonOf, unlessAbsent } from '@stowage/core';
import { syncDirectory } from '@stowage/core/durable';
import { close } from '@stowage/linux';
import type { Mounter } from '@stowage/linux/mounter';
import type { WantedFilesystem } from './filesystems.ts';
import { refused } from './refused.ts';

const run = promisify(execFile);

/** Where distributions have the programs; what else is in somebody's PATH is not run as root. */
const PLACES = ['/usr/sbin', '/sbin', '/usr/bin', '/bin'];

/**
 * Makes a file with an empty filesystem in it, unless one is there: that is taken for what it was made to be. It has its
 * name when it is whole and on disk, so a crash leaves no half of one under it.
 *
 * @param below - Path from `root`; links on the way are refused. Only one at a time for a path.
 * @throws Fault `failed_precondition` if the program is not installed or fails, or something else has the name.
 */
export async function makeFilesystem(
  mounter: Mounter,
  { root, below }: { readonly root: string; readonly below: string },
  wanted: WantedFilesystem,
  options: CallOptions,
): Promise<void> {
  const { signal } = options;
  try {
    const directory = await mounter.openDirectory(root, dirname(below), options);
    try {
      // By the descriptor: nobody can put a link where it was looked up.
      await makeIn(`/proc/${process.pid}/fd/${directory}`, basename(below), wanted, options);
    } finally {
      close(directory);
    }
  } catch (e) {
    signal?.throwIfAborted();
    throw refused(`make filesystem ${quote(wanted.path)}`, e);
  }
}

async function makeIn(
  directory: string,
  name: string,
  wanted: WantedFilesystem,
  options: CallOptions,
): Promise<void> {
  if (await isThere(join(directory, name), wanted.path)) return;
  const draft = join(directory, `.${name}.stowage-mkfs`);
  await rm(draft, { force: true });
  try {
    await formatted(draft, wanted, options);
    await link(draft, join(directory, name));
  } finally {
    await rm(draft, { force: true });
  }
  await syncDirectory(directory);
}

async function isThere(path: string, shown: string): Promise<boolean> {
  const found = await unlessAbsent(lstat(path));
  if (found === undefined || found.isFile()) return found !== undefined;
  throw new Fault('failed_precondition', `make filesystem ${quote(shown)}: something else is there`);
}

async function formatted(
  draft: string,
  { sizeBytes, type, uuid, path }: WantedFilesystem,
  { signal }: CallOptions,
): Promise<void> {
  const program = await programOf(`mkfs.${type}`);
  const how = type === 'xfs' ? ['-m', `uuid=${uuid}`] : ['-U', `${uuid}`];
  await using file = await open(draft, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o640);
  await file.truncate(sizeBytes);
  try {
    await run(program, ['-q', ...(uuid === undefined ? [] : how), draft], {
      env: {},
      ...(signal && { signal }),
    });
  } catch (e) {
    signal?.throwIfAborted();
    const { stderr } = e as { stderr?: unknown };
    const reason = typeof stderr === 'string' && stderr.trim() !== '' ? stderr.trim() : reasonOf(e);
    throw new Fault('failed_precondition', `make filesystem ${quote(path)}: ${program}: ${quote(reason)}`, {
      cause: e,
    });
  }
  await file.sync();
}

async function programOf(name: string): Promise<string> {
  for (const place of PLACES) {
    const path = join(place, name);
    const isHere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isHere) return path;
  }
  throw new Fault('failed_precondition', `make filesystem: ${name} is not installed in ${PLACES.join(', ')}`);
}
