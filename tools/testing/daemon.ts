import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { glob, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { end, type RunResult, run, until } from './process.ts';

const ROOT = join(import.meta.dirname, '../..');

export interface DaemonOptions {
  /** A folder of the test's own; root, state and socket lie in it. */
  readonly dir: string;
  readonly args?: readonly string[];
  readonly config?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly umask?: number;
  /** Less of a log, for measuring. */
  readonly quiet?: boolean;
  /**
   * Another stowaged.js than the checkout's, such as a copy that stays while that is built anew. Unless told, the one
   * that STOWAGED in the environment names.
   */
  readonly entry?: string | undefined;
  /** Another Node than the one that runs this. */
  readonly node?: string | undefined;
}

/** A stowaged of the test's own: the bundled one, as operators run it. */
export class Daemon implements AsyncDisposable {
  readonly address: string;
  readonly root: string;
  readonly state: string;
  readonly #options: DaemonOptions;
  #child: ChildProcess | undefined;
  #lines: string[] = [];

  private constructor(options: DaemonOptions) {
    this.#options = options;
    this.root = join(options.dir, 'root');
    this.state = join(options.dir, 'state');
    this.address = join(this.state, 'stowage.sock');
  }

  static async start(options: DaemonOptions): Promise<Daemon> {
    const daemon = new Daemon(options);
    await daemon.start();
    return daemon;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** What it logged since it was last started. */
  get log(): readonly string[] {
    return this.#lines;
  }

  /** Starts it again on the same root and state. */
  async start(): Promise<void> {
    const { args = [], config, env = {}, umask, quiet = false } = this.#options;
    const flags = [
      '--root',
      this.root,
      '--state',
      this.state,
      '--log-level',
      quiet ? 'info' : 'debug',
      ...args,
    ];
    if (config !== undefined) flags.push('--config', config);
    const node = [this.#options.node ?? process.execPath, this.#entry, ...flags];
    const command =
      umask === undefined
        ? node
        : ['sh', '-c', `umask ${umask.toString(8).padStart(3, '0')}; exec "$@"`, 'sh', ...node];
    const [file = '', ...rest] = command;
    const child = spawn(file, rest, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, NODE_OPTIONS: '', ...env },
    });
    this.#child = child;
    this.#lines = [];
    const ready = Promise.withResolvers<void>();
    createInterface({ input: child.stderr }).on('line', (line) => {
      this.#lines.push(line);
      if (line.includes('"msg":"ready"')) ready.resolve();
    });
    child.on('error', (e) => ready.reject(e));
    child.on('exit', (code) =>
      ready.reject(new Error(`stowaged ended with ${code}:\n${this.#lines.join('\n')}`)),
    );
    ready.promise.catch(() => undefined);
    await ready.promise;
  }

  /** Runs one of stowaged's other commands on the same root and state, whether the daemon runs or not. */
  command(...args: readonly string[]): Promise<RunResult> {
    const flags = ['--root', this.root, '--state', this.state];
    return run(process.execPath, [this.#entry, ...flags, ...args]);
  }

  get #entry(): string {
    const built = join(ROOT, 'apps/daemon/dist/bundle/stowaged.js');
    return this.#options.entry ?? process.env.STOWAGED ?? built;
  }

  /** Ends the daemon only; containers and their supervisor go on. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.#child !== undefined) await end(this.#child, signal);
  }

  /** Waits for it to end by itself. @returns the exit code. */
  async exited(): Promise<number | null> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null) return child?.exitCode ?? null;
    const [code] = (await once(child, 'exit')) as [number | null];
    return code;
  }

  /** Pids of the supervisors that serve this daemon's state. */
  async supervisors(): Promise<number[]> {
    const pids: number[] = [];
    const pattern = join(this.state, 'stowage.runtime.v1.runc', 'supervisor', '*', 'info.json');
    for await (const file of glob(pattern)) {
      const { pid } = JSON.parse(await readFile(file, 'utf8')) as { pid: number };
      const name = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      if (name.startsWith('stowage-supervisor')) pids.push(pid);
    }
    return pids;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    const pids = await this.supervisors();
    for (const pid of pids) process.kill(pid, 'SIGTERM');
    await until('the supervisor to end', async () => (await this.supervisors()).length === 0);
  }
}

/** Makes the folders that a daemon would make, to look at or to spoil them first. */
export async function prepareDirs(dir: string): Promise<void> {
  await mkdir(join(dir, 'root'), { recursive: true });
  await mkdir(join(dir, 'state'), { recursive: true });
}
