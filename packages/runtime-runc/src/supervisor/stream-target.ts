import { stat } from 'node:fs/promises';
import { errnoOf, Fault, quote } from '@stowage/core';
import { type LogTarget, logTarget } from './log-target.ts';

export type StreamName = 'stdin' | 'stdout' | 'stderr';

/** What a stream of a process is connected to. */
export type StreamTarget =
  | { readonly kind: 'none' }
  | { readonly kind: 'fifo'; readonly path: string }
  /** Written at its end; made if it is not there. */
  | { readonly kind: 'file'; readonly path: string }
  | LogTarget
  | LoggerTarget;

/** A program that reads the output. */
export interface LoggerTarget {
  readonly kind: 'logger';
  /** As the client gave it: streams with the same one go to the same process. */
  readonly uri: string;
  readonly path: string;
  readonly args: readonly string[];
  /** How it says that it reads: it closes its descriptor 5 (`binary`), or writes a byte to it first (`binary-v2`). */
  readonly ready: 'close' | 'byte';
}

const NONE: StreamTarget = { kind: 'none' };

/**
 * What a client's path or URI names: empty for nothing, a path or `fifo://` for a FIFO that the client made (or a
 * regular file or device that is there), `file://` for a log file (with `format=cri` one of lines with their times), `binary://` and `binary-v2://` for a program.
 *
 * Clients alone name streams, with the process that they make. No label, annotation or image is ever asked, since the
 * program runs as root on the host.
 *
 * @throws Fault `not_found` if there is nothing at a path; `invalid_argument` for what is no stream of this kind.
 * @see containerd cmd/containerd-shim-runc-v2/process/io.go
 */
export async function streamTarget(name: StreamName, uri: string): Promise<StreamTarget> {
  if (uri === '') return NONE;
  if (uri.startsWith('/')) return atPath(name, uri);
  const url = URL.canParse(uri) ? new URL(uri) : undefined;
  if (url?.protocol === 'fifo:') return atPath(name, pathOf(url));
  if (name !== 'stdin') {
    if (url?.protocol === 'file:') {
      const path = pathOf(url);
      return logTarget(uri, url, path) ?? { kind: 'file', path };
    }
    if (url?.protocol === 'binary:') return loggerTarget(name, uri, url, 'close');
    if (url?.protocol === 'binary-v2:') return loggerTarget(name, uri, url, 'byte');
  }
  const others = name === 'stdin' ? '' : ', file://, binary:// or binary-v2://';
  throw new Fault('invalid_argument', `${name} ${quote(uri)}: expected an absolute path, fifo://${others}`);
}

/**
 * Arguments are the keys of the query, each followed by its first value, in their order.
 *
 * @see containerd cmd/containerd-shim-runc-v2/process/io_util.go, where the order is any
 */
function loggerTarget(name: StreamName, uri: string, url: URL, ready: LoggerTarget['ready']): LoggerTarget {
  const path = pathOf(url);
  if (!path.startsWith('/') || path.endsWith('/')) {
    throw new Fault(
      'invalid_argument',
      `${name} ${quote(uri)}: expected the path of a program, as in binary:///path`,
    );
  }
  const keys = new Set(url.searchParams.keys());
  const args = [...keys].flatMap((key) => [key, url.searchParams.get(key) ?? '']);
  if ([path, ...args].some((text) => text.includes('\0'))) {
    throw new Fault('invalid_argument', `${name} ${quote(uri)}: holds a NUL`);
  }
  return { kind: 'logger', uri, path, args, ready };
}

function pathOf(url: URL): string {
  try {
    return decodeURIComponent(url.pathname);
  } catch (e) {
    throw new Fault('invalid_argument', `${quote(url.href)}: its percent signs encode no text`, { cause: e });
  }
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
