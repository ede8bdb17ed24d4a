import { stat } from 'node:fs/promises';
import { errnoOf, Fault, quote } from '@stowage/core';

export type StreamName = 'stdin' | 'stdout' | 'stderr';

/** What a stream of a process is connected to. */
export type StreamTarget =
  | { readonly kind: 'none' }
  | { readonly kind: 'fifo'; readonly path: string }
  /** Written at its end; made if it is not there. */
  | { readonly kind: 'file'; readonly path: string };

const NONE: StreamTarget = { kind: 'none' };

/**
 * What a client's path or URI names: empty for nothing, a path or `fifo://` for a FIFO that the client made (or a
 * regular file or device that is there), `file://` for a log file.
 *
 * @throws Fault `not_found` if there is nothing at a path; `unimplemented` for `binary://`; `invalid_argument` for
 *   what is no stream of this kind.
 * @see containerd cmd/containerd-shim-runc-v2/process/io.go
 */
export async function streamTarget(name: StreamName, uri: string): Promise<StreamTarget> {
  if (uri === '') return NONE;
  if (uri.startsWith('/')) return atPath(name, uri);
  const url = URL.canParse(uri) ? new URL(uri) : undefined;
  const path = url === undefined ? '' : decodeURIComponent(url.pathname);
  switch (url?.protocol) {
    case 'fifo:':
      return atPath(name, path);
    case 'file:':
      if (name === 'stdin') break;
      return { kind: 'file', path };
    case 'binary:':
    case 'binary-v2:':
      throw new Fault(
        'unimplemented',
        `${name} ${quote(uri)}: logging binaries are not built yet; use a FIFO or file://<path>`,
      );
    default:
  }
  throw new Fault('invalid_argument', `${name} ${quote(uri)}: expected an absolute path, fifo:// or file://`);
}

async function atPath(name: StreamName, path: string): Promise<StreamTarget> {
  try {
    const found = await stat(path);
    if (found.isFIFO()) return { kind: 'fifo', path };
    if (found.isFile() || found.isCharacterDevice()) return { kind: 'file', path };
  } catch (e) {
    if (errnoOf(e) !== 'ENOENT') throw e;
    throw new Fault('not_found', `${name} ${quote(path)}: there is no FIFO; make it before the process`, {
      cause: e,
    });
  }
  throw new Fault('invalid_argument', `${name} ${quote(path)}: is no FIFO and no file`);
}
