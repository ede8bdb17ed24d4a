import { Fault, quote, type Slot } from '@stowage/core';
import { parseDurationMs } from '@stowage/gc';
import type { ScheduleOptions } from './scheduler.ts';

export const gcSlot: Slot<AsyncDisposable> = { type: 'io.containerd.gc.v1', id: 'scheduler', api: 1 };

/** Those of containerd. */
export const GC_DEFAULTS: Readonly<Record<string, string | number>> = {
  startup_delay: '100ms',
  schedule_delay: '0ms',
  deletion_threshold: 0,
  mutation_threshold: 100,
  pause_threshold: 0.02,
};

/**
 * Reads containerd's settings of the same plugin: `startup_delay`, `schedule_delay`, `deletion_threshold`,
 * `mutation_threshold`, `pause_threshold`; see {@link ScheduleOptions}.
 *
 * @throws Fault `invalid_argument` naming the key.
 */
export function parseGcConfig(table: Readonly<Record<string, unknown>>): ScheduleOptions {
  const options: { -readonly [K in keyof ScheduleOptions]: ScheduleOptions[K] } = {};
  for (const [key, value] of Object.entries({ ...GC_DEFAULTS, ...table })) {
    switch (key) {
      case 'startup_delay':
        options.startupDelayMs = duration(key, value);
        break;
      case 'schedule_delay':
        options.scheduleDelayMs = duration(key, value);
        break;
      case 'deletion_threshold':
        options.deletionThreshold = number(key, value, 1e9);
        break;
      case 'pause_threshold':
        options.pauseThreshold = Math.min(number(key, value, 1), 0.5);
        break;
      case 'mutation_threshold':
        options.mutationThreshold = number(key, value, 1e9);
        break;
      default:
        throw new Fault('invalid_argument', `${key}: unknown key; it is no setting of garbage collection`);
    }
  }
  return options;
}

function number(key: string, value: unknown, most: number): number {
  if (typeof value === 'bigint') return number(key, Number(value), most);
  if (typeof value !== 'number' || !(value >= 0 && value <= most))
    throw new Fault(
      'invalid_argument',
      `${key}: expected a number from 0 to ${most}, found ${String(value)}`,
    );
  return value;
}

/** As Go prints them: `100ms`, `1.5s`; a plain number counts nanoseconds. */
function duration(key: string, value: unknown): number {
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value) / 1e6;
  const ms = typeof value === 'string' ? parseDurationMs(value) : undefined;
  if (ms === undefined)
    throw new Fault(
      'invalid_argument',
      `${key}: expected a duration such as "100ms", found ${quote(String(value))}`,
    );
  return ms;
}
