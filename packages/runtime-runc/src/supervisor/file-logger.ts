import type { Logger } from '@stowage/core';
import { reasonOf } from '@stowage/core';

type Level = 'debug' | 'info' | 'warn' | 'error';

/** Writes JSON lines to standard error, which is the supervisor's log file. */
export function stderrLogger(): Logger {
  const write = (level: Level) => (fields: object, msg: string) => {
    const line = { level, time: new Date().toISOString(), msg, ...fields };
    process.stderr.write(`${JSON.stringify(line, plain)}\n`);
  };
  return { debug() {}, info: write('info'), warn: write('warn'), error: write('error') };
}

function plain(key: string, value: unknown): unknown {
  if (key !== 'err') return typeof value === 'bigint' ? String(value) : value;
  const { name, code, kind, stack } = Object(value) as Record<string, unknown>;
  return { name, message: reasonOf(value), code, kind, stack };
}
