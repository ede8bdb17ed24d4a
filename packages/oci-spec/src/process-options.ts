import { Fault, quote } from '@stowage/core';
import type { SpecOption } from './compose.ts';
import type { Process, Spec } from './spec.ts';

const BLANK: Process = { user: { uid: 0, gid: 0 }, args: [], env: [], cwd: '/' };

/** A spec whose process differs in these fields. */
export function changeProcess(spec: Spec, change: Partial<Process>): Spec {
  return { ...spec, process: { ...BLANK, ...spec.process, ...change } as Process };
}

/** The program and its arguments, instead of what was there. */
export function withArgs(...args: readonly string[]): SpecOption {
  for (const arg of args) refuseNul('argument', arg);
  return (spec) => changeProcess(spec, { args });
}

/** Sets variables, each `NAME=value`; a name alone unsets it. */
export function withEnv(env: readonly string[]): SpecOption {
  return (spec) => changeProcess(spec, { env: overrideEnv(spec.process?.env ?? [], env) });
}

/** The working directory: an absolute path in the container. */
export function withCwd(cwd: string): SpecOption {
  refuseNul('working directory', cwd);
  if (!cwd.startsWith('/'))
    throw new Fault('invalid_argument', `working directory ${quote(cwd)} must be absolute`);
  return (spec) => changeProcess(spec, { cwd });
}

/** A terminal as stdin, stdout and stderr. */
export function withTty(size?: { readonly width: number; readonly height: number }): SpecOption {
  return (spec) =>
    changeProcess(spec, {
      terminal: true,
      env: overrideEnv(['TERM=xterm'], spec.process?.env ?? []),
      ...(size !== undefined && { consoleSize: { width: size.width, height: size.height } }),
    });
}

/**
 * `over` on top of `base`, in base's order, each name once.
 *
 * @throws Fault `invalid_argument` for a variable without a name or with a NUL.
 */
export function overrideEnv(base: readonly string[], over: readonly string[]): string[] {
  const byName = new Map<string, string>();
  for (const entry of [...base, ...over]) {
    refuseNul('environment variable', entry);
    const at = entry.indexOf('=');
    const name = at < 0 ? entry : entry.slice(0, at);
    if (name === '')
      throw new Fault('invalid_argument', `environment variable ${quote(entry)} must read NAME=value`);
    if (at < 0) byName.delete(name);
    else byName.set(name, entry);
  }
  return [...byName.values()];
}

function refuseNul(what: string, text: string): void {
  if (text.includes('\0')) throw new Fault('invalid_argument', `${what} ${quote(text)} has a NUL in it`);
}
