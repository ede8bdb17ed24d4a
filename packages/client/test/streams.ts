import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A FIFO in a folder of its own, as a daemon sees it. */
export function fifo(): { readonly path: string } & Disposable {
  const dir = mkdtempSync(join(tmpdir(), 'stowage-test-'));
  const path = join(dir, 'fifo');
  execFileSync('mkfifo', [path]);
  return { path, [Symbol.dispose]: () => rmSync(dir, { recursive: true }) };
}

/** Writes as a container does: with an end that was opened for both directions. */
export function writer(path: string): { write(text: string): void } & Disposable {
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  return {
    write: (text) => void writeSync(fd, text),
    [Symbol.dispose]: () => closeSync(fd),
  };
}
