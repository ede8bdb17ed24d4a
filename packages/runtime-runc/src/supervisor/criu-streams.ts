import { constants, open, readFile, readlink, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, Fault, quote } from '@stowage/core';

/** By descriptor, 0 to 2: how CRIU names a file that is outside of the container; null for what is inside. */
export type ExternalStreams = readonly [string | null, string | null, string | null];

const NONE: ExternalStreams = [null, null, null];
/** Beside CRIU's images. */
const FILE = 'stowage-streams.json';
const MOST_BYTES = 4096;
const NAME = /^file\[[0-9a-f]{1,16}:[0-9a-f]{1,16}\]$/;

/**
 * Which streams of a process are outside of its container. Clients' FIFOs are handed to it as they are; runc speaks to
 * CRIU of pipes alone.
 *
 * @see criu.org External files, Inheriting FDs on restore
 */
export async function externalStreams(pid: number): Promise<ExternalStreams> {
  const mounts = new Set(
    (await readFile(`/proc/${pid}/mountinfo`, 'latin1')).split('\n').map((line) => line.split(' ')[0]),
  );
  const of = async (fd: number): Promise<string | null> => {
    const path = `/proc/${pid}/fd/${fd}`;
    try {
      if (!(await readlink(path)).startsWith('/')) return null;
      const [, mount] =
        /^mnt_id:\s*(\d+)$/m.exec(await readFile(`/proc/${pid}/fdinfo/${fd}`, 'latin1')) ?? [];
      if (mount === undefined || mounts.has(mount)) return null;
      const { ino } = await stat(path, { bigint: true });
      return `file[${Number(mount).toString(16)}:${ino.toString(16)}]`;
    } catch (e) {
      // It has closed it.
      if (errnoOf(e) === 'ENOENT') return null;
      throw e;
    }
  };
  return [await of(0), await of(1), await of(2)];
}

/** Settings of CRIU by which it takes the streams for somebody else's. */
export const leaveOut = (streams: ExternalStreams): string[] => [
  ...new Set(streams.filter((name) => name !== null).map((name) => `external ${name}`)),
];

/** Settings by which it takes the streams that it is started with. */
export const putIn = (streams: ExternalStreams): string[] =>
  [...new Set(streams)].flatMap((name) =>
    name === null ? [] : [`inherit-fd fd[${streams.indexOf(name)}]:${name}`],
  );

/** Writes down which they are, for whoever restores. */
export async function writeStreams(images: string, streams: ExternalStreams): Promise<void> {
  if (streams.every((name) => name === null)) return;
  await writeFile(join(images, FILE), JSON.stringify(streams), { mode: 0o600, flag: 'wx' });
}

/**
 * What {@link writeStreams} wrote; all null for a checkpoint of somebody else's.
 *
 * @throws Fault `invalid_argument` for anything but names: they become settings of CRIU.
 */
export async function readStreams(images: string): Promise<ExternalStreams> {
  const path = join(images, FILE);
  let text: string;
  try {
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    await using file = await open(path, flags);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MOST_BYTES), 0, MOST_BYTES, 0);
    text = buffer.toString('utf8', 0, bytesRead);
  } catch (e) {
    if (errnoOf(e) === 'ENOENT') return NONE;
    if (errnoOf(e) !== 'ELOOP') throw e;
    throw malformed(path, e);
  }
  const streams = parsed(text);
  if (!Array.isArray(streams) || streams.length !== 3 || !streams.every(isName)) throw malformed(path);
  return streams as unknown as ExternalStreams;
}

const isName = (name: unknown): boolean => name === null || (typeof name === 'string' && NAME.test(name));

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const malformed = (path: string, cause?: unknown): Fault =>
  new Fault('invalid_argument', `${quote(path)}: expected names of three streams`, { cause });
