import { errnoOf, Fault, reasonOf } from '@stowage/core';
import { Interrupted } from './interrupt.ts';

/** What failed is the tool, not the program that it was to run: told by an exit code of docker's. */
export class RunFailure extends Error {
  override readonly name = 'RunFailure';

  static is(e: unknown): e is RunFailure {
    return (e as Partial<Error> | null)?.name === 'RunFailure';
  }
}

/** Makes failures of `run` and `exec` tell from the exit codes of programs. */
export async function running(work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (e) {
    throw new RunFailure(reasonOf(e), { cause: e });
  }
}

/**
 * Says on standard error what went wrong, and what to do.
 *
 * @returns the exit code. Of a command that runs a program, as docker's: 125 for a failure of the tool, 126 and 127 for
 *   a program that can't be run or found.
 */
export function report(thrown: unknown): number {
  const e = firstOf(RunFailure.is(thrown) ? thrown.cause : thrown);
  // Who reads our output left, as after a pipe to "head".
  if (errnoOf(e) === 'EPIPE') return 141;
  const { what, hint } = Interrupted.is(e) ? { what: e.message, hint: e.hint } : explain(e);
  process.stderr.write(`stowage: ${what}\n${hint === undefined ? '' : `${hint}\n`}`);
  if (Interrupted.is(e)) return e.exitCode;
  return RunFailure.is(thrown) ? runExitCode(what) : 1;
}

/**
 * Does the same with each of several things, as far as it can: a failure is told and the next one is tried, unless there
 * is no daemon.
 *
 * @returns the exit code: not 0 if anything failed.
 */
export async function eachOf<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<number> {
  let exitCode = 0;
  for (const item of items) {
    try {
      await work(item);
    } catch (e) {
      // Without a daemon the next one fares no better.
      if (Fault.is(e, 'unavailable')) throw e;
      exitCode = report(e);
    }
  }
  return exitCode;
}

/** What came first, where cleaning up after it failed as well. */
function firstOf(e: unknown): unknown {
  const { name, suppressed } = (e ?? {}) as { name?: unknown; suppressed?: unknown };
  return name === 'SuppressedError' ? firstOf(suppressed) : e;
}

/** In the words of containerd's shim before 1.7, which knows only programs and FIFOs for what a terminal shows. */
const NO_TERMINAL_LOG = /start console copy: stat (file)?:/;

// In the words of runc and crun.
const NOT_FOUND = /exec(utable file| failed|: ").*(not found|no such file)/i;
const NOT_RUNNABLE = /exec(utable file| failed|: ").*(permission denied|is a directory)/i;

function runExitCode(what: string): number {
  if (NOT_FOUND.test(what)) return 127;
  return NOT_RUNNABLE.test(what) ? 126 : 125;
}

const NOT_TRUSTED = /certificate|\bTLS\b/;

/** Of what registries are asked: `push sha256:… to host/x: …`, `resolve host/x:v1: …`. */
const REGISTRY = /^(?:resolve|fetch|push) (?:\S+ (?:to|of|from) )?"?([^\s/"]+)\//;

function loginHint(what: string): string | undefined {
  if (what.startsWith('log in to '))
    return 'Are user and password right? Some registries want a token in place of the password. Nothing was kept.';
  const host = REGISTRY.exec(what)?.[1];
  return host === undefined
    ? undefined
    : `Log in as somebody who may: stowage login ${host}. Or is the name right?`;
}

function withHint(what: string, hint: string | undefined): { what: string; hint?: string } {
  return hint === undefined ? { what } : { what, hint };
}

function explain(e: unknown): { what: string; hint?: string } {
  const what = reasonOf(e);
  if (!Fault.is(e)) return { what };
  switch (e.kind) {
    case 'unavailable':
      if (/^connect to .*(socket|server running)/.test(what))
        return { what, hint: 'Start it with: stowaged. Or name another with --address.' };
      break;
    case 'permission_denied':
      if (what.startsWith('connect to'))
        return { what, hint: 'Root alone may use the socket, as a rule: try sudo.' };
      return withHint(what, loginHint(what));
    case 'unauthenticated':
      return withHint(what, loginHint(what));
    case 'not_found':
      if (what.startsWith('image '))
        return { what, hint: 'Pull it with: stowage pull NAME. stowage images lists them.' };
      if (what.startsWith('object '))
        return {
          what,
          hint: 'Is it in another namespace (--all-namespaces)? stowage df -v lists what there is.',
        };
      if (what.startsWith('container ')) return { what, hint: 'stowage ps -a lists them.' };
      if (what.startsWith('task ')) return { what, hint: 'It does not run. stowage ps lists those that do.' };
      break;
    case 'already_exists':
      if (what.startsWith('create container'))
        return { what, hint: 'Choose another --name, or remove it with: stowage rm NAME.' };
      break;
    default:
  }
  if (NOT_TRUSTED.test(what))
    return {
      what,
      hint: 'Put its authority’s certificate into /etc/containerd/certs.d/HOST/ca.crt; or use --plain-http if it speaks HTTP.',
    };
  if (NO_TERMINAL_LOG.test(what))
    return {
      what: 'this daemon’s runtime has no terminal but for who stays with it: it keeps no log of one',
      hint: 'Use -d without -t; or -it, and let go of it with ctrl-p ctrl-q.',
    };
  if (NOT_FOUND.test(what)) return { what, hint: 'Is the program in the image, under this name?' };
  return { what };
}
