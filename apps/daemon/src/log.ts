import { type Logger as Pino, pino } from 'pino';
import type { LogLevel } from './config/daemon-config.ts';

/** JSON lines on standard error. Written at once, so that a crash loses nothing that was said before it. */
export function openLog(level: LogLevel): Pino {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: ['password', 'authorization', '*.password', '*.authorization'],
    },
    pino.destination({ dest: 2, sync: true }),
  );
}
