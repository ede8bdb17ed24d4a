import { TaskExitSchema, TaskOOMSchema } from '@stowage/api/events';
import { Fault } from '@stowage/core';
import type { Events } from '@stowage/events';
import { unpackMessage } from '@stowage/rpc';

/** What a daemon's events tell of the ends of containers, and when they did, by `performance.now()`. */
export class Told implements AsyncDisposable {
  readonly exits = new Map<string, { readonly status: number; readonly atMs: number }>();
  readonly ooms = new Map<string, number>();
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;

  /** @param events - of a daemon that may end; what comes after that is not told here. */
  constructor(events: Events, namespace: string) {
    this.#done = this.#listen(events, namespace).catch((e: unknown) => {
      // A daemon that ends, ends its streams.
      if (!this.#stop.signal.aborted && !Fault.is(e, 'unavailable')) throw e;
    });
  }

  async #listen(events: Events, namespace: string): Promise<void> {
    const ours = ['exit', 'oom'].map((name) => `namespace==${namespace},topic=="/tasks/${name}"`);
    for await (const { topic, event } of events.subscribe(ours, { signal: this.#stop.signal })) {
      const atMs = performance.now();
      if (topic === '/tasks/oom') this.ooms.set(unpackMessage(TaskOOMSchema, event).containerId, atMs);
      else {
        const { containerId, id, exitStatus } = unpackMessage(TaskExitSchema, event);
        if (id === containerId) this.exits.set(id, { status: exitStatus, atMs });
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }
}
