import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@stowage/client';
import { reasonOf } from '@stowage/core';

const PAUSE_MS = 5;

/** What others ask a daemon for meanwhile, and how long it takes to answer. */
export class Pulse {
  readonly #stop = new AbortController();
  readonly #tookMs: number[] = [];
  readonly #failures: string[] = [];
  readonly #done: Promise<void>;

  constructor(client: Client) {
    this.#done = this.#beat(client);
  }

  async #beat({ services }: Client): Promise<void> {
    const questions = [
      () => services.version.version(),
      () => Array.fromAsync(services.tasks.list()),
      () => Array.fromAsync(services.containers.list()),
      () => Array.fromAsync(services.content.list()),
      () => Array.fromAsync(services.snapshotter('overlayfs').list()),
    ];
    for (let n = 0; !this.#stop.signal.aborted; n++) {
      const began = performance.now();
      await questions[n % questions.length]?.().catch((e: unknown) => this.#failures.push(reasonOf(e)));
      this.#tookMs.push(performance.now() - began);
      await sleep(PAUSE_MS);
    }
  }

  /** Ends it. */
  async taken(): Promise<{
    readonly p99Ms: number;
    readonly asked: number;
    readonly failures: readonly string[];
  }> {
    this.#stop.abort();
    await this.#done;
    const sorted = this.#tookMs.toSorted((a, b) => a - b);
    const p99Ms = sorted[Math.floor(sorted.length * 0.99)] ?? 0;
    return { p99Ms, asked: sorted.length, failures: this.#failures };
  }
}
