import { Fault, quote, reasonOf } from '@stowage/core';
import type { SpecOption } from './compose.ts';
import { changeLinux } from './linux-options.ts';
import { type DefaultSeccompOptions, defaultSeccomp } from './seccomp-profile.ts';
import type { Seccomp } from './spec.ts';

const ACTIONS = ['ALLOW', 'ERRNO', 'KILL', 'KILL_PROCESS', 'KILL_THREAD', 'LOG', 'NOTIFY', 'TRACE', 'TRAP'];

/**
 * Allows the system calls that ordinary programs need, and those that go with the capabilities that the spec has here:
 * so it comes after {@link withCapabilities}.
 */
export function withDefaultSeccomp(options: Omit<DefaultSeccompOptions, 'capabilities'> = {}): SpecOption {
  return (spec) => {
    const capabilities = spec.process?.capabilities?.bounding ?? [];
    return changeLinux(spec, { seccomp: defaultSeccomp({ ...options, capabilities }) });
  };
}

/** {@link withDefaultSeccomp}, unless something was said before: a profile, none, or privileged. It comes last. */
export function withSeccompByDefault(options: Omit<DefaultSeccompOptions, 'capabilities'> = {}): SpecOption {
  const byDefault = withDefaultSeccomp(options);
  return (spec) => (spec.linux?.seccomp === undefined ? byDefault(spec) : spec);
}

/** @throws Fault `invalid_argument` for what is no profile of a runtime spec. */
export function withSeccomp(profile: Seccomp): SpecOption {
  checkProfile(profile);
  return (spec) => changeLinux(spec, { seccomp: profile });
}

/** Lets all system calls through, decidedly: no default comes in its place. */
export function withoutSeccomp(): SpecOption {
  return (spec) => changeLinux(spec, { seccomp: null });
}

/** @throws Fault `invalid_argument` if it is no JSON or no profile of a runtime spec. */
export function parseSeccomp(text: string): Seccomp {
  let profile: unknown;
  try {
    profile = JSON.parse(text);
  } catch (e) {
    throw refused(reasonOf(e), e);
  }
  checkProfile(profile);
  return profile;
}

/**
 * Docker's own form says by `includes` and `excludes` when a rule is meant. A runtime passes over them and allows the
 * call to everybody, so such a profile is refused rather than weakened.
 */
function checkProfile(profile: unknown): asserts profile is Seccomp {
  if (!isObject(profile)) throw refused('it is no JSON object');
  if ('archMap' in profile) throw refused("it has Docker's `archMap`; write `architectures`");
  checkAction(profile.defaultAction, 'defaultAction');
  const rules = profile.syscalls ?? [];
  if (!Array.isArray(rules)) throw refused('`syscalls` is no list');
  for (const [i, rule] of rules.entries()) {
    const at = `syscalls[${i}]`;
    if (!isObject(rule)) throw refused(`${at} is no object`);
    for (const key of ['includes', 'excludes']) {
      const condition = rule[key];
      if (isObject(condition) && Object.keys(condition).length > 0)
        throw refused(`${at} has Docker's \`${key}\`, which a runtime does not heed`);
    }
    const { names } = rule;
    if (!Array.isArray(names) || names.length === 0 || names.some((n) => typeof n !== 'string'))
      throw refused(`${at}.names must name system calls`);
    checkAction(rule.action, `${at}.action`);
  }
}

function checkAction(action: unknown, at: string): void {
  if (typeof action === 'string' && ACTIONS.includes(action.replace(/^SCMP_ACT_/, ''))) return;
  throw refused(`${at} ${quote(String(action))} is no action, such as SCMP_ACT_ERRNO`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refused(reason: string, cause?: unknown): Fault {
  return new Fault('invalid_argument', `seccomp profile: ${reason}`, { cause });
}
