import { constants } from 'node:os';
import { Fault, reasonOf } from '@stowage/core';
import type { Process } from '@stowage/oci-spec';
import type { Exit, Stdio, TaskStatus } from '@stowage/runtime';
import type { FakeProcessContext, FakeProgram } from './fake-program.ts';
import type { FakeStreams } from './fake-streams.ts';

/** They do nothing to who does not listen. */
const HARMLESS = new Set(['SIGCHLD', 'SIGCONT', 'SIGURG', 'SIGWINCH']);

const NAME_OF: ReadonlyMap<number, NodeJS.Signals> = new Map(
  (Object.entries(constants.signals) as Array<[NodeJS.Signals, number]>).map(([name, n]) => [n, name]),
);

export interface FakeProcessOptions {
  readonly name: string;
  readonly process: Process;
  /** Undefined where there is none of that name. */
  readonly program: FakeProgram | undefined;
  readonly absent: () => Fault;
  readonly stdio: Stdio;
  readonly streams: FakeStreams;
  /** Called once, before anybody is told. */
  readonly onExit: (exit: Exit) => Promise<void>;
}

/** One process: `created`, `running`, perhaps `paused`, `stopped`. */
export class FakeProcess {
  readonly stdio: Stdio;
  pid = 0;
  status: TaskStatus = 'created';
  exit: Exit | undefined;
  /** Settles with the exit, once it was told. */
  readonly exited: Promise<Exit>;
  readonly #options: FakeProcessOptions;
  readonly #told = Promise.withResolvers<Exit>();
  readonly #killed = new AbortController();
  readonly #listeners = new Map<NodeJS.Signals, Array<() => void>>();
  #size: { readonly width: number; readonly height: number };

  constructor(options: FakeProcessOptions) {
    this.#options = options;
    this.stdio = options.stdio;
    this.exited = this.#told.promise;
    this.exited.catch(() => undefined);
    this.#size = options.process.consoleSize ?? { width: 80, height: 24 };
  }

  start(pid: number): void {
    if (this.status !== 'created') this.#refuse('start', `it is ${this.status}`);
    const { program, absent, streams } = this.#options;
    if (program === undefined) throw absent();
    this.pid = pid;
    this.status = 'running';
    streams.start(this.stdio.terminal);
    void this.#run(program);
  }

  kill(signal: number): void {
    if (this.exit !== undefined) throw new Fault('not_found', `kill ${this.#options.name}: it has exited`);
    const name = NAME_OF.get(signal);
    const listeners = name === undefined ? [] : (this.#listeners.get(name) ?? []);
    if (name !== 'SIGKILL' && (listeners.length > 0 || (name !== undefined && HARMLESS.has(name)))) {
      for (const listener of listeners) listener();
      return;
    }
    this.end(128 + signal);
  }

  /** At once, whatever it is at. What it printed and nobody took is lost. */
  end(exitStatus: number): void {
    if (this.exit !== undefined) return;
    this.exit = { exitStatus, exitedAt: new Date() };
    this.status = 'stopped';
    this.#options.streams.close();
    this.#killed.abort(new Fault('canceled', `${this.#options.name}: it has ended`));
    const exit = this.exit;
    this.#options.onExit(exit).then(() => this.#told.resolve(exit), this.#told.reject);
  }

  resize(width: number, height: number): void {
    this.#size = { width, height };
    for (const listener of this.#listeners.get('SIGWINCH') ?? []) listener();
  }

  closeInput(): void {
    this.#options.streams.closeInput();
  }

  pause(): void {
    if (this.status !== 'running') this.#refuse('pause', `it is ${this.status}`);
    this.status = 'paused';
  }

  resume(): void {
    if (this.status !== 'paused') this.#refuse('resume', `it is not paused but ${this.status}`);
    this.status = 'running';
  }

  async #run(program: FakeProgram): Promise<void> {
    const { streams } = this.#options;
    let code: number;
    try {
      code = (await program(this.#context())) ?? 0;
    } catch (e) {
      if (this.exit !== undefined) return;
      streams.stderr.write(`${reasonOf(e)}\n`);
      code = 1;
    }
    // As a real one waits in its last write for whoever reads.
    await Promise.race([streams.flushed(), this.#over()]);
    this.end(code & 0xff);
  }

  #over(): Promise<void> {
    const { signal } = this.#killed;
    return new Promise((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  #context(): FakeProcessContext {
    const { process, streams, stdio } = this.#options;
    const { stdin, stdout, stderr } = streams;
    const size = () => (stdio.terminal ? this.#size : undefined);
    return {
      args: process.args ?? [],
      env: Object.fromEntries((process.env ?? []).map((entry) => pairOf(entry))),
      cwd: process.cwd,
      ...{ stdin, stdout, stderr },
      signal: this.#killed.signal,
      get terminalSize() {
        return size();
      },
      on: (signal, listener) => {
        this.#listeners.set(signal, [...(this.#listeners.get(signal) ?? []), listener]);
      },
    };
  }

  #refuse(what: string, reason: string): never {
    throw new Fault('failed_precondition', `${what} ${this.#options.name}: ${reason}`);
  }
}

function pairOf(entry: string): [string, string] {
  const at = entry.indexOf('=');
  return at < 0 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 1)];
}
