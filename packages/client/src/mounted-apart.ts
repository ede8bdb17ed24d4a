import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join, relative } from 'node:path';
import { type CallOptions, Fault, type Mount, reasonOf } from '@stowage/core';

/** Place of the mount in the other namespace: any directory that is there. */
const AT = '/tmp';

// Says that it is mounted, and stays until its input ends.
const SCRIPT = `cd "$1" && mount -n -i -t "$2" -o "$3" "$4" ${AT} && echo mounted && exec cat`;

export interface MountApartOptions extends CallOptions {
  /** What it is for, in messages. */
  readonly purpose: string;
  /** Whether it is written to, which only one may do at a time. Default false. */
  readonly writable?: boolean | undefined;
}

/**
 * Mounts in a mount namespace of a process of its own, which nobody else sees: however this process ends, nothing stays
 * mounted. Takes root on the daemon's machine, with `unshare` and `mount`.
 *
 * Links in it lead where they do for whoever looks; do not follow them.
 *
 * @throws Fault `failed_precondition` where that can't be done.
 */
export async function mountedApart(
  mounts: readonly Mount[],
  { purpose, writable = false, signal }: MountApartOptions,
): Promise<AsyncDisposable & { readonly path: string }> {
  signal?.throwIfAborted();
  const fail = (reason: string, cause?: unknown): never => {
    throw new Fault('failed_precondition', `${purpose}: ${reason.trim()}`, { cause });
  };
  const [found, ...more] = mounts;
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    return fail('it takes root on the daemon’s machine');
  if (found === undefined || more.length > 0 || (found.target ?? '') !== '')
    return fail('its snapshot takes more than one mount');
  if (found.type === 'bind') return { path: found.source, async [Symbol.asyncDispose]() {} };
  const { type, source, options } = writable ? found : readonly(found);
  const from = commonDirectory(options);
  const short = options.map((option) => shortened(option, from)).join(',');
  const own = ['--mount', '--propagation', 'private', '--', 'sh', '-c', SCRIPT, 'sh'];
  const child = spawn('unshare', [...own, from, type, short, source], { stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = once(child, 'close');
  ended.catch(() => undefined);
  // Nothing is written to it; if it ends first, that is told below.
  child.stdin.on('error', () => undefined);
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    if (said.length < 4096) said += chunk.toString();
  });
  try {
    await Promise.race([
      once(child.stdout, 'data', { ...(signal && { signal }) }),
      ended.then(() => fail(said)),
    ]);
  } catch (e) {
    child.kill('SIGKILL');
    signal?.throwIfAborted();
    if (Fault.is(e)) throw e;
    fail(reasonOf(e), e);
  }
  return {
    path: `/proc/${child.pid}/root${AT}`,
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await ended;
    },
  };
}

/** Without a layer to write to, which only one mount may have, and with the ids that files have for the image. */
function readonly({ type, source, options }: Mount): Mount {
  const value = (name: string) => options.find((o) => o.startsWith(`${name}=`))?.slice(name.length + 1);
  const upper = value('upperdir');
  const kept = options.filter((o) => !/^(upperdir|workdir|uidmap|gidmap|rw)(=|$)/.test(o));
  if (type !== 'overlay' || upper === undefined) return { type, source, options: ['ro', ...kept] };
  const lower = `lowerdir=${upper.replace(/[\\:]/g, '\\$&')}:${value('lowerdir') ?? ''}`;
  return { type, source, options: ['ro', ...kept.map((o) => (o.startsWith('lowerdir=') ? lower : o))] };
}

/** Which all layers are in, so that a long list of them fits the page that mount(2) takes. */
function commonDirectory(options: readonly string[]): string {
  const [first, ...others] = layers(options).map(dirname);
  let directory = first ?? '/';
  while (!others.every((other) => `${other}/`.startsWith(directory === '/' ? '/' : `${directory}/`)))
    directory = dirname(directory);
  return directory;
}

function shortened(option: string, from: string): string {
  if (!option.startsWith('lowerdir=') || from === '/') return option;
  const paths = layers([option]);
  return paths.length === 0
    ? option
    : `lowerdir=${paths.map((path) => relative(from, path) || '.').join(':')}`;
}

/** Of `lowerdir`; none where a path has a colon or is relative already. */
function layers(options: readonly string[]): string[] {
  const list = options.find((o) => o.startsWith('lowerdir='))?.slice('lowerdir='.length) ?? '';
  const paths = list.split(':');
  return list.includes('\\') || !paths.every((p) => p.startsWith('/')) ? [] : paths.map((p) => join(p));
}
