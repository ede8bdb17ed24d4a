import { Socket } from 'node:net';
import { join } from 'node:path';
import { errnoOf, type Logger } from '@stowage/core';
import { hasCode, mkfifo, openFifo } from '@stowage/linux';

const NAME = 'log';
/** Of one line; more is cut off. */
const MOST_CHARACTERS = 8 * 1024;
const LEVEL = /\blevel="?([a-z]+)/;
const LEVELS: Readonly<Record<string, keyof Logger>> = {
  trace: 'debug',
  debug: 'debug',
  warning: 'warn',
  warn: 'warn',
  error: 'error',
  fatal: 'error',
  panic: 'error',
};

/** Makes the FIFO that a shim writes its log to. One that is there is as good. */
export function makeLogFifo(bundle: string): void {
  try {
    mkfifo(join(bundle, NAME), 0o600);
  } catch (e) {
    if (!hasCode(e, 'EEXIST')) throw e;
  }
}

/**
 * Passes the lines of a shim's log on to ours, at the level that they name. Reading waits in libuv's epoll, never in its
 * pool: the FIFO is opened for both directions, so that it has a writer until this is disposed.
 */
export function readLog(bundle: string, fields: object, log: Logger): Disposable {
  let fd: number;
  try {
    fd = openFifo(join(bundle, NAME), 'both', { nonblocking: true });
  } catch (e) {
    // Of a bundle that somebody else made or half removed: there is a shim all the same.
    if (errnoOf(e) === 'ENOENT') return { [Symbol.dispose]() {} };
    throw e;
  }
  const source = new Socket({ fd, readable: true, writable: false });
  source.unref();
  let rest = '';
  source.setEncoding('utf8');
  source.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = (lines.pop() ?? '').slice(0, MOST_CHARACTERS);
    for (const line of lines) passOn(line.slice(0, MOST_CHARACTERS));
  });
  source.on('error', (err) => log.warn({ ...fields, err }, 'reading the log of a shim failed'));
  return {
    [Symbol.dispose]() {
      source.destroy();
    },
  };

  function passOn(line: string): void {
    if (line.trim() === '') return;
    const said = { ...fields, shim: line };
    log[LEVELS[LEVEL.exec(line)?.[1] ?? ''] ?? 'info'](said, 'a shim says');
  }
}
