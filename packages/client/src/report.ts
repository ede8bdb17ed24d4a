import { basename } from 'node:path';
import { abortable, type CallOptions, Fault, reasonOf } from '@stowage/core';
import type { OnProgress, Progress } from '@stowage/oci-image';
import type { OperationService, Part, RunningOperation } from '@stowage/operations';

/** How long the daemon may take to hear of the end. */
const END_MS = 1000;

/** What is known by those who do what is reported. */
export interface Reported extends CallOptions {
  /** Fires when the caller gives up, or somebody cancels the operation. */
  readonly signal: AbortSignal;
  readonly onProgress: OnProgress;
  readonly onPhase: (name: string) => void;
  /** The same bytes, of an archive. */
  readonly counting: (stage: string, bytes: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>;
}

/**
 * Does something while others can see it at the daemon, and cancel it. A daemon that does not want to know, or does not
 * answer, changes nothing: telling it is never waited for, but for the end, and for that no longer than a second.
 */
export async function reported<T>(
  operations: OperationService,
  what: { readonly kind: string; readonly subject: string },
  options: CallOptions & { readonly onProgress?: OnProgress | undefined },
  work: (reported: Reported) => Promise<T>,
): Promise<T> {
  options.signal?.throwIfAborted();
  const report = new Report(operations, what, options.signal);
  try {
    const result = await work({
      signal: report.signal,
      onPhase: (name) => report.phase(name),
      counting: (stage, bytes) => report.counting(stage, bytes),
      onProgress: (progress) => {
        report.progress(progress);
        options.onProgress?.(progress);
      },
    });
    await report.end();
    return result;
  } catch (e) {
    await report.end(e);
    throw e;
  }
}

/** As {@link reported}, for bytes that somebody takes at their leisure. Who leaves early has canceled it. */
export async function* reportedBytes(
  operations: OperationService,
  what: { readonly kind: string; readonly subject: string },
  stage: string,
  options: CallOptions,
  work: (signal: AbortSignal) => AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  options.signal?.throwIfAborted();
  const report = new Report(operations, what, options.signal);
  let failure: unknown = new Fault('canceled', `${what.kind}: its reader has left`);
  try {
    yield* report.counting(stage, work(report.signal));
    failure = undefined;
  } catch (e) {
    failure = e;
    throw e;
  } finally {
    await report.end(failure);
  }
}

/** An operation of this process that the daemon is told of in the background. */
export class Report {
  readonly signal: AbortSignal;
  readonly #caller: AbortSignal | undefined;
  readonly #cancel = new AbortController();
  readonly #giveUp = new AbortController();
  /** What there is to tell until the daemon listens. */
  readonly #phases = new Set<string>();
  readonly #parts = new Map<string, Part>();
  readonly #begun: Promise<void>;
  #operation: RunningOperation | undefined;

  constructor(
    operations: OperationService,
    what: { readonly kind: string; readonly subject: string },
    signal: AbortSignal | undefined,
  ) {
    this.#caller = signal;
    this.signal = signal === undefined ? this.#cancel.signal : AbortSignal.any([signal, this.#cancel.signal]);
    this.#begun = this.#begin(operations, what);
  }

  phase(name: string): void {
    if (this.#operation === undefined) this.#phases.add(name);
    else this.#operation.phase(name);
  }

  progress({ stage, state, descriptor: { digest, mediaType, size }, bytes }: Progress): void {
    this.phase(stage);
    this.part({ name: digest, mediaType, stage, state, bytesDone: bytes, bytesTotal: size });
  }

  part(part: Part): void {
    if (this.#operation === undefined) this.#parts.set(part.name, part);
    else this.#operation.part(part);
  }

  /** The same bytes, of an archive. */
  async *counting(stage: string, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const about = { name: 'archive', mediaType: '', stage, bytesTotal: 0n };
    let bytesDone = 0n;
    this.phase(stage);
    for await (const chunk of bytes) {
      yield chunk;
      bytesDone += BigInt(chunk.byteLength);
      this.part({ ...about, state: 'running', bytesDone });
    }
    this.part({ ...about, state: 'done', bytesDone });
  }

  /** Never fails. */
  async end(failure?: unknown): Promise<void> {
    const late = setTimeout(() => this.#giveUp.abort(), END_MS);
    try {
      await this.#begun;
      // The caller's reason may be any error: that it gave up is what others are told.
      const told = this.#caller?.aborted ? new Fault('canceled', reasonOf(failure)) : failure;
      await abortable(this.#operation?.end(told) ?? Promise.resolve(), this.#giveUp.signal);
    } catch {
      // The daemon is slow or gone.
    } finally {
      clearTimeout(late);
      void this.#operation?.[Symbol.asyncDispose]();
    }
  }

  /** Never fails: a daemon that is older, or containerd, can't be told, and one that has enough of it need not be. */
  async #begin(
    operations: OperationService,
    what: { readonly kind: string; readonly subject: string },
  ): Promise<void> {
    try {
      const startedBy = `${basename(process.argv[1] ?? 'node')} (pid ${process.pid})`;
      const operation = await operations.begin({ ...what, startedBy }, { signal: this.#giveUp.signal });
      for (const name of this.#phases) operation.phase(name);
      for (const part of this.#parts.values()) operation.part(part);
      this.#operation = operation;
      const cancel = () => this.#cancel.abort(operation.signal.reason);
      if (operation.signal.aborted) cancel();
      else operation.signal.addEventListener('abort', cancel, { once: true });
    } catch {
      // See above.
    }
  }
}

/**
 * Operations of a daemon that is asked once whether it has any: who begins one with a daemon that has not, as containerd
 * has not, is told so without asking again.
 */
export function askedOnce(operations: OperationService): OperationService {
  let absent: unknown;
  return {
    ...operations,
    async begin(operation, options) {
      if (absent !== undefined) throw absent;
      try {
        return await operations.begin(operation, options);
      } catch (e) {
        if (Fault.is(e, 'unimplemented')) absent = e;
        throw e;
      }
    },
  };
}
