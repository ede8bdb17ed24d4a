import { Fault, type Labels, quote } from '@stowage/core';
import { whole } from './check.ts';
import type { SpecOption } from './compose.ts';
import { changeLinux } from './linux-options.ts';
import { changeProcess } from './process-options.ts';
import type { Rlimit } from './spec.ts';

/** setrlimit(2). */
const RLIMITS = [
  'AS',
  'CORE',
  'CPU',
  'DATA',
  'FSIZE',
  'LOCKS',
  'MEMLOCK',
  'MSGQUEUE',
  'NICE',
  'NOFILE',
  'NPROC',
  'RSS',
  'RTPRIO',
  'RTTIME',
  'SIGPENDING',
  'STACK',
];

/**
 * As good as no limit: the largest number below 2^64 that JSON written by JavaScript carries. RLIM_INFINITY itself would
 * be rounded up, out of the range that a runtime reads.
 */
const UNLIMITED = 2 ** 64 - 2 ** 11;

/**
 * Reads `nofile=1024[:2048]`, soft and hard, as `--ulimit` of docker; `unlimited` and -1 for no limit.
 *
 * @throws Fault `invalid_argument` for anything else.
 */
export function parseRlimit(text: string): Rlimit {
  const [, name = '', soft = '', hard = soft] =
    /^([A-Za-z_]+)=(-1|unlimited|[0-9]{1,15})(?::(-1|unlimited|[0-9]{1,15}))?$/.exec(text) ?? [];
  if (name === '')
    throw new Fault(
      'invalid_argument',
      `limit ${quote(text)} must read name=soft[:hard], as nofile=1024:2048`,
    );
  const number = (digits: string) => (/^[0-9]+$/.test(digits) ? Number(digits) : UNLIMITED);
  const type = `RLIMIT_${name.toUpperCase().replace(/^RLIMIT_/, '')}`;
  const limit = { type, soft: number(soft), hard: number(hard) };
  checkRlimit(limit);
  return limit;
}

/** Sets limits of the process, each in place of one of its type. */
export function withRlimits(limits: readonly Rlimit[]): SpecOption {
  for (const limit of limits) checkRlimit(limit);
  return (spec) => {
    const byType = new Map([...(spec.process?.rlimits ?? []), ...limits].map((l) => [l.type, l]));
    return changeProcess(spec, { rlimits: [...byType.values()] });
  };
}

/** Who is killed first when memory runs out: -1000, never, to 1000. */
export function withOomScoreAdj(score: number): SpecOption {
  whole('oom score', score, -1000, 1000);
  return (spec) => changeProcess(spec, { oomScoreAdj: score });
}

/**
 * Sets kernel parameters of the container's namespaces. {@link composeSpec} checks in the end that the container has
 * the namespace that each belongs to.
 *
 * @throws Fault `invalid_argument` for one that the whole host would get.
 */
export function withSysctls(values: Labels): SpecOption {
  for (const [name, value] of Object.entries(values)) {
    if (sysctlNamespace(name) === undefined)
      throw new Fault(
        'invalid_argument',
        `kernel parameter ${quote(name)}: no namespace holds it, so it would be the host's`,
      );
    if (/\p{Cc}/u.test(value.replaceAll('\t', '')))
      throw new Fault('invalid_argument', `kernel parameter ${name}: ${quote(value)} is no value`);
  }
  return (spec) => changeLinux(spec, { sysctl: { ...spec.linux?.sysctl, ...values } });
}

const IPC = /^kernel\.(msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)$|^fs\.mqueue\.[a-z_]+$/;

/** Whose parameter it is; the hostname is not among them, because the spec has a field of its own. */
export function sysctlNamespace(name: string): 'ipc' | 'network' | 'uts' | undefined {
  if (IPC.test(name)) return 'ipc';
  if (/^net\.[A-Za-z0-9_-]+(\.[A-Za-z0-9_@:/-]+)+$/.test(name) && !name.includes('..')) return 'network';
  if (name === 'kernel.domainname') return 'uts';
  return undefined;
}

function checkRlimit({ type, soft, hard }: Rlimit): void {
  if (!RLIMITS.includes(type.replace(/^RLIMIT_/, '')) || !type.startsWith('RLIMIT_'))
    throw new Fault('invalid_argument', `limit ${quote(type)}: Linux has none of that name`);
  for (const value of [soft, hard]) if (value !== UNLIMITED) whole(`limit ${type}`, value, 0);
  if (soft > hard)
    throw new Fault('invalid_argument', `limit ${type}: soft limit ${soft} is above the hard one ${hard}`);
}
