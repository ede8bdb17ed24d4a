import { chmod, chown, lstat, mkdir, mkdtemp, rename, rm, unlink } from 'node:fs/promises';
import { connect, type Server } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { errnoOf, Fault, reasonOf } from '@stowage/core';
import { assertLength, socketPath } from './path.ts';

export interface UnixAddress {
  /** Of the socket file; at most 107 bytes (103 on macOS). A leading `unix://` is dropped. */
  readonly path: string;
  /** Permissions of the socket file; 0600 unless given. */
  readonly mode?: number | undefined;
  /** Owner and group of the socket file; those of the process unless given. */
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
}

/** A socket file that is bound. Closing removes the file, unless somebody else's is there by now. */
export interface UnixListener {
  readonly path: string;
  /** Takes no further connections; those that are open stay. */
  close(): Promise<void>;
}

/**
 * Binds a server to a socket file that nobody else can reach at any moment, whatever the umask: it is bound in a
 * fresh directory of mode 0700, given its permissions, then moved to its place. A dead socket file there is
 * replaced. Two processes that do this at the same instant must exclude each other by other means.
 *
 * @throws Fault `failed_precondition` if somebody answers at the path or something else than a socket is there;
 *   `invalid_argument` if it is too long.
 */
export async function listenUnix(server: Server, address: UnixAddress): Promise<UnixListener> {
  const path = socketPath(address.path);
  const parent = dirname(path);
  await mkdir(parent, { recursive: true, mode: 0o711 });
  await refuseIfTaken(path);
  const room = await mkdtemp(join(parent, '.s'));
  const bound = join(room, 's');
  try {
    assertLength(bound);
    await bind(server, bound);
    await chmod(bound, address.mode ?? 0o600);
    const { uid, gid } = address;
    if (uid !== undefined || gid !== undefined) await chown(bound, uid ?? -1, gid ?? -1);
    const { dev, ino } = await lstat(bound);
    await rename(bound, path);
    return { path, close: () => closed(server, path, { dev, ino }) };
  } catch (e) {
    server.close();
    throw Fault.is(e) ? e : new Fault('unavailable', `listen on ${path}: ${reasonOf(e)}`, { cause: e });
  } finally {
    await rm(room, { recursive: true, force: true });
  }
}

async function refuseIfTaken(path: string): Promise<void> {
  try {
    const found = await lstat(path);
    if (!found.isSocket()) {
      throw new Fault(
        'failed_precondition',
        `listen on ${path}: ${basename(path)} is there and is not a socket`,
      );
    }
  } catch (e) {
    if (errnoOf(e) === 'ENOENT') return;
    throw e;
  }
  const why = await dial(path);
  if (why === 'ECONNREFUSED' || why === 'ENOENT') return;
  throw new Fault(
    'failed_precondition',
    why === undefined || why === 'EAGAIN'
      ? `listen on ${path}: another process answers there; stop it or choose another address`
      : `listen on ${path}: cannot tell whether the socket there is alive (${why})`,
  );
}

/** Undefined if somebody answers, else the error's code. */
function dial(path: string): Promise<string | undefined> {
  return new Promise((settle) => {
    const socket = connect({ path });
    socket.once('connect', () => {
      socket.destroy();
      settle(undefined);
    });
    socket.once('error', (e) => settle(errnoOf(e) ?? 'unknown'));
  });
}

function bind(server: Server, path: string): Promise<void> {
  return new Promise((settle, fail) => {
    server.once('error', fail);
    server.listen({ path, exclusive: true }, () => {
      server.off('error', fail);
      settle();
    });
  });
}

async function closed(server: Server, path: string, mine: { dev: number; ino: number }): Promise<void> {
  if (server.listening) server.close();
  try {
    const { dev, ino } = await lstat(path);
    if (dev === mine.dev && ino === mine.ino) await unlink(path);
  } catch (e) {
    if (errnoOf(e) !== 'ENOENT') throw e;
  }
}
