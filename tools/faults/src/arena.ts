import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { remoteVerifier } from '@stowage/content/remote';
import { reasonOf } from '@stowage/core';
import { unixTransport } from '@stowage/rpc/transport';
import { Daemon } from '@stowage/testing';
import { JournalReader } from './load/journal-reader.ts';
import { Load } from './load/load.ts';
import { type Cut, withoutDead } from './model/cut.ts';
import { World } from './model/world.ts';
import type { JudgeOptions } from './oracle/judge.ts';
import { CHECKS, check, collect } from './oracle/oracle.ts';
import type { Violation } from './oracle/violation.ts';
import { isBusy } from './patience.ts';
import type { Scene } from './scene.ts';
import { NAMESPACES, servicesOf } from './services.ts';

const READY_MS = 5000;
/** A daemon whose disk has room again tries to open its databases now and then. */
const RECOVERED_MS = 30_000;
/** A daemon that is not ready by then never will be. */
const DEAD_MS = 60_000;

export interface ArenaOptions extends JudgeOptions {
  /** The daemon's root is `<dir>/root`, which may be a file system of its own; all else lies beside it. */
  readonly dir: string;
  readonly seed: number;
  readonly clients?: number;
  /** Another stowaged than the checkout's. */
  readonly entry?: string | undefined;
}

/** A failed operation that a nemesis wants to look at. */
export interface Failure {
  readonly kind: string;
  readonly message: string;
}

/** A daemon, the clients that load it, their journal, and what the journal says the daemon must have. */
export class Arena implements Scene, AsyncDisposable {
  readonly dir: string;
  readonly root: string;
  readonly journal: string;
  readonly world = new World();
  readonly #options: ArenaOptions;
  readonly #load: Load;
  readonly #reader: JournalReader;
  readonly #found: Violation[] = [];
  #daemon: Daemon | undefined;
  #round = 0;
  #operations = 0;
  #acknowledged = 0;
  #failed = 0;
  #slowestReadyMs = 0;

  private constructor(options: ArenaOptions, journal: string, reader: JournalReader) {
    const { dir, seed, clients = 6, unsynced = false } = options;
    this.#options = options;
    this.dir = dir;
    this.root = join(dir, 'root');
    this.journal = journal;
    this.#reader = reader;
    this.#load = new Load({ journal, seed, clients, unsynced });
  }

  static async open(options: ArenaOptions): Promise<Arena> {
    const journal = join(options.dir, 'journal.jsonl');
    return new Arena(options, journal, await JournalReader.open(journal));
  }

  /** Operations that were acknowledged so far. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Operations that failed so far. */
  get failed(): number {
    return this.#failed;
  }

  get slowestReadyMs(): number {
    return this.#slowestReadyMs;
  }

  get daemon(): Daemon {
    if (this.#daemon === undefined) throw new Error('the daemon was not started yet');
    return this.#daemon;
  }

  /** Starts the daemon, and holds it to being ready in time. @throws if it ends or does not get ready. */
  async start(): Promise<void> {
    const began = performance.now();
    if (this.#daemon === undefined) {
      const { dir, entry } = this.#options;
      this.#daemon = await Daemon.start({ dir, entry, quiet: true });
    } else {
      const late = setTimeout(() => process.kill(this.daemon.pid, 'SIGKILL'), DEAD_MS);
      try {
        await this.daemon.start();
      } finally {
        clearTimeout(late);
      }
    }
    const tookMs = performance.now() - began;
    this.#slowestReadyMs = Math.max(this.#slowestReadyMs, tookMs);
    if (tookMs > READY_MS && !isBusy())
      this.#found.push({
        rule: 'slow',
        message: `ready after ${Math.round(tookMs)} ms, must be ${READY_MS}`,
      });
  }

  /** Starts it to be killed `afterMs` into its start, ready or not. */
  async startAndKill(afterMs: number): Promise<void> {
    const started = this.daemon.start().catch(() => undefined);
    await sleep(afterMs);
    await this.kill();
    await started;
  }

  async kill(): Promise<void> {
    await this.daemon.stop('SIGKILL');
  }

  /** Sets the clients to work. */
  async beginLoad(): Promise<void> {
    this.#round += 1;
    await this.#load.start(this.daemon.address, this.world, this.#round, this.#operations);
  }

  /**
   * Ends their work, takes over their journal, and tells what failed.
   *
   * @param excused - what may be in the message of a refusal that breaks no rule.
   * @param cut - when the power went. Nobody can be answered after that, and nothing that was begun then can be on disk.
   */
  async endLoad(excused?: RegExp, cut?: Cut): Promise<readonly Failure[]> {
    await this.#load.stop();
    const failures: Failure[] = [];
    const lines = await this.#reader.read();
    for (const line of lines)
      if (line.t === 'begin') this.#operations = Math.max(this.#operations, line.n + 1);
    for (const line of withoutDead(lines, cut)) {
      this.world.apply(line);
      if (line.t === 'ack') this.#acknowledged += 1;
      if (line.t === 'lie')
        this.#found.push({ rule: 'lie', message: `operation ${line.n}, ${line.message}` });
      if (line.t !== 'fail') continue;
      failures.push(line);
      this.#failed += 1;
      if (REFUSALS.has(line.kind) && !excused?.test(line.message))
        this.#found.push({ rule: 'refused', message: line.message });
    }
    return failures;
  }

  /** Waits until the daemon takes work again, by itself. @throws if it does not in time. */
  async recovered(): Promise<void> {
    await using transport = unixTransport(this.daemon.address);
    const services = servicesOf(transport, { namespace: CHECKS });
    const deadline = performance.now() + RECOVERED_MS;
    for (let n = 0; ; n++) {
      try {
        await collect(services, n);
        return;
      } catch (e) {
        if (performance.now() > deadline)
          throw new Error(`does not recover in ${RECOVERED_MS} ms: ${reasonOf(e)}`, { cause: e });
        await sleep(50);
      }
    }
  }

  /** Has all blobs hashed again. What was taken for damaged while the disk failed, and is whole, is served again. */
  async verifyContent(): Promise<void> {
    await using transport = unixTransport(this.daemon.address);
    for (const namespace of NAMESPACES)
      for await (const { state, digest, reason } of remoteVerifier(transport, { namespace }).verify())
        if (state === 'corrupt' || state === 'missing')
          this.#found.push({ rule: 'torn', message: `blob ${namespace} ${digest}: ${reason}` });
  }

  /** Has `stowaged check` look, at what runs or at what lies there. */
  async runCheck(): Promise<void> {
    const { code, stdout, stderr } = await this.daemon.command('check');
    if (code !== 0)
      this.#found.push({ rule: 'unclean', message: `stowaged check: ${code}: ${stdout}${stderr}` });
  }

  /** Breaks a rule in the eyes of a nemesis. */
  report(...violations: readonly Violation[]): void {
    this.#found.push(...violations);
  }

  /** What the running daemon's state breaks, and what was found since the last check. */
  async check(): Promise<readonly Violation[]> {
    try {
      const subject = { address: this.daemon.address, root: this.root };
      this.#found.push(...(await check(subject, this.world, this.#options)));
    } catch (e) {
      this.#found.push({ rule: 'dead', message: `the state can't be looked at: ${reasonOf(e)}` });
    }
    return this.#found.splice(0);
  }

  /** Puts what helps to understand a loss beside the journal. */
  async keepEvidence(violations: readonly Violation[]): Promise<void> {
    await writeFile(join(this.dir, 'violations.json'), `${JSON.stringify(violations, undefined, 2)}\n`);
    await writeFile(join(this.dir, 'daemon.log'), `${this.#daemon?.log.join('\n') ?? ''}\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#load[Symbol.asyncDispose]();
    await this.#reader[Symbol.asyncDispose]();
    await this.#daemon?.stop('SIGKILL');
  }
}

/** Clients ask only for what they know to be possible, so none of these is a way to fail. */
const REFUSALS: ReadonlySet<string> = new Set([
  ...['not_found', 'already_exists', 'failed_precondition', 'invalid_argument', 'out_of_range'],
  ...['unimplemented', 'permission_denied', 'unauthenticated', 'conflict'],
]);
