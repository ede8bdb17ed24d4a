import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { World } from '../model/world.ts';
import type { FromLoad, ToLoad } from './messages.ts';

const FLAGS = ['--conditions=stowage-source', '--disable-warning=ExperimentalWarning'];

export interface LoadOptions {
  readonly journal: string;
  readonly seed: number;
  readonly clients: number;
  /** Whether bytes that nobody synced may be gone. */
  readonly unsynced: boolean;
}

/** The clients, in a process of their own, so that neither the daemon nor who kills it slows them down. */
export class Load implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #options: LoadOptions;
  #stopped: Promise<void> | undefined;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#child = fork(join(import.meta.dirname, 'load-main.ts'), [options.journal], {
      execArgv: FLAGS,
      env: { ...process.env, NODE_OPTIONS: '' },
    });
  }

  /** Settles when the first of the clients had an answer. */
  async start(address: string, world: World, round: number, firstOperation: number): Promise<void> {
    const { seed, clients, unsynced } = this.#options;
    const started = this.#hear('started');
    this.#stopped = this.#hear('stopped');
    this.#stopped.catch(() => undefined);
    this.#say({ t: 'start', address, seed, round, clients, unsynced, firstOperation, world: world.dump() });
    await started;
  }

  /** Lets the clients finish what they are at. */
  async stop(): Promise<void> {
    if (this.#stopped === undefined) return;
    this.#say({ t: 'stop' });
    await this.#stopped;
    this.#stopped = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }

  #say(message: ToLoad): void {
    this.#child.send(message);
  }

  #hear(what: FromLoad['t']): Promise<void> {
    const heard = Promise.withResolvers<void>();
    const onMessage = (message: FromLoad) => {
      if (message.t === 'stopped' && message.error !== undefined) end(new Error(message.error));
      else if (message.t === what) end();
    };
    const onExit = (code: number | null) => end(new Error(`the process of the clients ended with ${code}`));
    const end = (e?: Error) => {
      this.#child.off('message', onMessage);
      this.#child.off('exit', onExit);
      if (e === undefined) heard.resolve();
      else heard.reject(e);
    };
    this.#child.on('message', onMessage);
    this.#child.on('exit', onExit);
    return heard.promise;
  }
}
