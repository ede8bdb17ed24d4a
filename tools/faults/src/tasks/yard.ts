import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, glob, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Client, type ContainerHandle, connect, type ImageHandle } from '@stowage/client';
import { errnoOf, Fault, reasonOf, unlessGone } from '@stowage/core';
import type { SpecOption } from '@stowage/oci-spec';
import { Daemon, demoArchive, until } from '@stowage/testing';
import type { Rule, Violation } from '../oracle/violation.ts';
import { patience } from '../patience.ts';
import type { Scene } from '../scene.ts';
import { wholeLife } from './life.ts';
import { type Holdings, remains, takeHoldings } from './remains.ts';
import { RuncScript } from './runc-script.ts';
import { Told } from './told.ts';

const IMAGE = 'example.org/demo:1';
const READY_MS = 5000;
const SETTLED_MS = 10_000;
const CLEARED_MS = 30_000;
const FAILURES_KEPT = 200;

export interface YardOptions {
  readonly dir: string;
  readonly entry?: string | undefined;
  readonly config?: string;
}

/** A daemon that runs containers, what is told of them, and what they and it may hold when they are gone. */
export class Yard implements Scene, AsyncDisposable {
  readonly dir: string;
  readonly daemon: Daemon;
  readonly runc: RuncScript;
  /** Of its own, so that its control groups are told from those of others. */
  readonly namespace: string;
  readonly figures: Record<string, number> = {};
  /** Containers that run, and may hold things. */
  readonly live = new Set<string>();
  /** Containers of whose processes one was killed on purpose. */
  readonly struck = new Set<string>();
  acknowledged = 0;
  failed = 0;
  slowestReadyMs = 0;
  readonly #found: Violation[] = [];
  /** The last of those that were the good right of whoever was harmed. */
  readonly #failures: string[] = [];
  /** One for each start of the daemon, the last first. Handles go on with the one that they were made with. */
  readonly #clients: Client[];
  #told: Told;
  #image!: ImageHandle;
  #before!: Holdings;
  #names = 0;

  private constructor(dir: string, daemon: Daemon, runc: RuncScript, namespace: string) {
    this.dir = dir;
    this.daemon = daemon;
    this.runc = runc;
    this.namespace = namespace;
    const client = connect(daemon.address, { namespace });
    this.#clients = [client];
    this.#told = new Told(client.services.events, namespace);
  }

  /** Starts a daemon, and runs a container on it, so that all is there that the first one brings. */
  static async open({ dir, entry, config = '' }: YardOptions): Promise<Yard> {
    const runc = await RuncScript.make(dir);
    const file = join(dir, 'config.toml');
    const plugin = `version = 3\n[plugins."stowage.runtime.v1.runc"]\nruntime = "${runc.path}"\n`;
    await writeFile(file, `${plugin}${config}`);
    const archive = await demoArchive(join(dir, 'image'), IMAGE);
    const daemon = await Daemon.start({ dir, entry, config: file, quiet: true });
    const yard = new Yard(dir, daemon, runc, `faults-${randomUUID().slice(0, 8)}`);
    try {
      const [image] = await yard.client.importImages(createReadStream(archive));
      if (image === undefined) throw new Error('the demo archive holds no image');
      await image.unpack();
      yard.#image = image;
      await wholeLife(yard, 'first');
      yard.#before = await takeHoldings(yard);
      return yard;
    } catch (e) {
      await yard[Symbol.asyncDispose]();
      throw e;
    }
  }

  get client(): Client {
    return this.#clients[0] as Client;
  }

  get told(): Told {
    return this.#told;
  }

  /** A number that was not given before. */
  next(): number {
    return this.#names++;
  }

  /** Counts operations that were acknowledged. */
  did(operations = 1): void {
    this.acknowledged += operations;
  }

  /** Counts into a figure. */
  count(figure: string, more = 1): void {
    this.figures[figure] = (this.figures[figure] ?? 0) + more;
  }

  /** Keeps the largest that was measured. */
  measure(figure: string, value: number): void {
    this.figures[figure] = Math.max(this.figures[figure] ?? 0, Math.round(value));
  }

  report(rule: Rule, message: string): void {
    this.#found.push({ rule, message });
  }

  /** Breaks a rule if it took longer than it may, and keeps the longest as a figure. */
  mustTake(figure: string, what: string, tookMs: number, limitMs: number): void {
    this.measure(figure, tookMs);
    if (tookMs > patience(limitMs))
      this.report('slow', `${what}: ${Math.round(tookMs)} ms, must be ${limitMs}`);
  }

  container(id: string, ...spec: readonly SpecOption[]): Promise<ContainerHandle> {
    return this.client.createContainer({ id, image: this.#image, spec });
  }

  /** Does what may fail while harm is done. @returns whether it did not. */
  async attempt(work: () => Promise<unknown>): Promise<boolean> {
    try {
      await work();
      this.did();
      return true;
    } catch (e) {
      if (!isExpected(e)) throw e;
      this.failed += 1;
      this.#failures.push(`${new Date().toISOString()} ${reasonOf(e)}`);
      if (this.#failures.length > FAILURES_KEPT) this.#failures.shift();
      return false;
    }
  }

  async stop(signal: NodeJS.Signals): Promise<void> {
    await this.daemon.stop(signal);
    await this.#told[Symbol.asyncDispose]();
  }

  /** Starts it again. @returns when it was ready, by `performance.now()`. */
  async start(): Promise<number> {
    const began = performance.now();
    await this.daemon.start();
    const readyMs = performance.now();
    this.mustTake('readyMs', 'ready after a restart', readyMs - began, READY_MS);
    this.slowestReadyMs = Math.max(this.slowestReadyMs, readyMs - began);
    this.#clients.unshift(connect(this.daemon.address, { namespace: this.namespace }));
    this.#told = new Told(this.client.services.events, this.namespace);
    return readyMs;
  }

  /** The pid of the supervisor; a moment after the death of one there is none. */
  async supervisor(): Promise<number> {
    let pid: number | undefined;
    await until('a supervisor', async () => {
      pid = (await this.daemon.supervisors())[0];
      return pid !== undefined;
    });
    return pid as unknown as number;
  }

  /** Ends and removes all containers there are, and all leases that a client's death left. */
  async clear(): Promise<void> {
    const deadline = performance.now() + CLEARED_MS;
    for (;;) {
      try {
        await this.#clear();
        this.live.clear();
        return;
      } catch (e) {
        if (!Fault.is(e) || performance.now() > deadline) {
          throw new Error(`containers can't be removed: ${reasonOf(e)}`, { cause: e });
        }
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async #clear(): Promise<void> {
    const { services } = this.client;
    const signal = AbortSignal.timeout(CLEARED_MS);
    for (const { containerId } of await Array.fromAsync(services.tasks.list()))
      await unlessGone(this.client.task(containerId).then((task) => task.end({ signal })));
    for (const { id } of await Array.fromAsync(services.containers.list()))
      await unlessGone(this.client.container(id).then((container) => container.delete({ signal })));
    const snapshots = services.snapshotter('overlayfs');
    for (const { kind, name } of await Array.fromAsync(snapshots.list()))
      if (kind === 'active') await unlessGone(snapshots.remove(name));
    for (const { id } of await Array.fromAsync(services.leases.list())) await services.leases.delete(id);
  }

  /** What is held now that no container that lives has a right to, one line each. */
  async left(): Promise<string[]> {
    return remains(this.#before, await takeHoldings(this), this.live);
  }

  /** Which rules were broken, and what is held that nobody has a right to, once all has come to rest. */
  async check(): Promise<readonly Violation[]> {
    let left: string[] = [];
    await until(
      'nothing to be left',
      async () => {
        left = await this.left();
        return left.length === 0;
      },
      patience(SETTLED_MS),
    ).catch(() => {
      for (const line of left) this.report('leak', line);
    });
    return this.#found.splice(0);
  }

  async keepEvidence(violations: readonly Violation[]): Promise<void> {
    await writeFile(join(this.dir, 'violations.json'), `${JSON.stringify(violations, undefined, 2)}\n`);
    await writeFile(join(this.dir, 'daemon.log'), `${this.daemon.log.join('\n')}\n`);
    // The state may lie on a file system that goes.
    for await (const log of glob(join(this.daemon.state, 'stowage.runtime.v1.runc/supervisor/*/log')))
      await copyFile(log, join(this.dir, 'supervisor.log'));
    await writeFile(join(this.dir, 'failures.log'), `${this.#failures.join('\n')}\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.clear();
    } finally {
      await this.stop('SIGTERM');
      for (const client of this.#clients) await client[Symbol.asyncDispose]();
      await this.daemon[Symbol.asyncDispose]();
      for await (const path of glob([
        `/sys/fs/cgroup/*/${this.namespace}`,
        `/sys/fs/cgroup/${this.namespace}`,
      ]))
        await rmdir(path).catch((e: unknown) => {
          if (errnoOf(e) !== 'ENOENT') throw e;
        });
    }
  }
}

/** What a daemon says, that its caller left, or that nothing came of it in time; all else is a mistake of the tests. */
function isExpected(e: unknown): boolean {
  if (e instanceof SuppressedError) return isExpected(e.error) && isExpected(e.suppressed);
  const { name, message } = e as Error;
  return Fault.is(e) || name === 'AbortError' || name === 'TimeoutError' || message.startsWith('waited ');
}
