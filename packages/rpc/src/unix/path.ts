import { resolve } from 'node:path';
import { errnoOf, Fault, quote, reasonOf } from '@stowage/core';

const MAX_PATH_BYTES = process.platform === 'darwin' ? 103 : 107;

/** The path of an address, absolute. @throws Fault `invalid_argument` if it can't be one of a socket. */
export function socketPath(address: string): string {
  const text = address.startsWith('unix://') ? address.slice('unix://'.length) : address;
  if (text === '' || text.includes('\0')) {
    throw new Fault('invalid_argument', `socket path ${quote(address)} must name a file`);
  }
  const path = resolve(text);
  assertLength(path);
  return path;
}

/** @throws Fault `invalid_argument` for a path that bind(2) and connect(2) can't take. */
export function assertLength(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes > MAX_PATH_BYTES) {
    throw new Fault(
      'invalid_argument',
      `socket path ${quote(path)} is ${bytes} bytes, the most is ${MAX_PATH_BYTES}: choose a shorter one`,
    );
  }
}

const WHY: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such socket; is its server running?',
  ECONNREFUSED: 'nobody answers; is its server running?',
  EACCES: 'permission denied; as a rule only root may',
};

/** The Fault for a connection that could not be made; `e` itself if it is no system error. */
export function dialFault(path: string, e: unknown): unknown {
  const cause = (e as { cause?: unknown } | null | undefined)?.cause;
  const errno = errnoOf(cause) ?? errnoOf(e);
  if (errno === undefined) return e;
  const kind = errno === 'EACCES' ? 'permission_denied' : 'unavailable';
  return new Fault(kind, `connect to ${path}: ${WHY[errno] ?? reasonOf(cause ?? e)}`, { cause: e });
}
