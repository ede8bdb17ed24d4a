import { closeSync, writeSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { reasonOf } from '@stowage/core';
import { stderrLogger } from './supervisor/file-logger.ts';
import { runSupervisor } from './supervisor/run.ts';

/** Whoever starts the supervisor holds the other end, and reads one line: `ready`, or why not. */
const READY_FD = 3;
/** sysexits.h EX_SOFTWARE */
const EXIT_BUG = 70;

const log = stderrLogger();
process.on('uncaughtException', (err) => {
  log.error({ err }, 'unexpected error: the supervisor ends, containers go on');
  process.exit(EXIT_BUG);
});
process.on('SIGHUP', () => {});
process.on('SIGINT', () => {});

const { values } = parseArgs({
  options: {
    state: { type: 'string' },
    name: { type: 'string' },
    build: { type: 'string' },
    group: { type: 'string' },
    version: { type: 'string' },
    runtime: { type: 'string' },
    'runtime-root': { type: 'string' },
    containerd: { type: 'string' },
    'idle-ms': { type: 'string' },
    stay: { type: 'boolean' },
  },
  strict: true,
});
const {
  state = '',
  build = '',
  name = build,
  group = '',
  version = '',
  runtime = 'runc',
  containerd,
} = values;
process.title = `stowage-supervisor ${state}${group && ` ${group}`}`;
try {
  const runtimeRoot = values['runtime-root'] ?? `${state}/runc`;
  const shim = containerd === undefined ? undefined : { containerd, idleMs: Number(values['idle-ms']) };
  const stay = values.stay ?? false;
  const about = { state, name, build, group, version, binary: runtime, runtimeRoot };
  await runSupervisor({ ...about, shim, stay, log });
  tell('ready\n');
} catch (err) {
  log.error({ err }, 'the supervisor could not start');
  tell(`${reasonOf(err)}\n`);
  process.exit(1);
}

function tell(line: string): void {
  try {
    writeSync(READY_FD, line);
    closeSync(READY_FD);
  } catch {
    // Whoever started this is gone, or did not ask.
  }
}
