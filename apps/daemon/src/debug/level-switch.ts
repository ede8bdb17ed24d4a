import type { Logger } from '@stowage/core';
import { LOG_LEVELS, type LogLevel } from '../config/daemon-config.ts';

/** How much is logged, changed while the daemon runs. */
export interface LevelSwitch {
  readonly level: LogLevel;
  set(level: LogLevel): void;
  /** To `debug`; from there back to what it was. */
  toggle(): void;
}

/** @param log - whose `level` counts at once, as pino's does. */
export function levelSwitch(log: Logger & { level: string }): LevelSwitch {
  let before = log.level as LogLevel;
  const set = (level: LogLevel) => {
    if (level === log.level) return;
    before = log.level as LogLevel;
    // While more is logged, so that the log does not fall silent without a word.
    const isQuieter = LOG_LEVELS.indexOf(level) > LOG_LEVELS.indexOf(before);
    const tell = () => log.info({ level, before }, 'the log level is changed');
    if (isQuieter) tell();
    log.level = level;
    if (!isQuieter) tell();
  };
  return {
    get level() {
      return log.level as LogLevel;
    },
    set,
    toggle: () => set(log.level === 'debug' ? (before === 'debug' ? 'info' : before) : 'debug'),
  };
}
