import { setTimeout as sleep } from 'node:timers/promises';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { type ReportRequest, ReportRequestSchema, type ReportResponse } from '@stowage/api/operations/v1';
import { abortable, Bell, Fault } from '@stowage/core';
import { errorToWire, partToWire } from './convert.ts';
import type { NewOperation, OperationError, Part, RunningOperation } from './operations.ts';
import { problemOf } from './problem.ts';

/** Begins the call that an operation is on the wire. */
export type BeginCall = (
  messages: AsyncIterable<ReportRequest>,
  kill: AbortSignal,
) => AsyncIterable<ReportResponse>;

/** Progress is sent no sooner after what was sent before. */
const APART_MS = 100;
/** As many as a daemon keeps. */
const MAX_PARTS = 2000;

/** An operation of this process, told to a daemon. What the daemon does not take at once is kept in its last state. */
export class RemoteOperation implements RunningOperation {
  readonly signal: AbortSignal;
  readonly #cancel = new AbortController();
  readonly #kill = new AbortController();
  /** Aborted at the end, which is not kept waiting. */
  readonly #ending = new AbortController();
  readonly #news = new Bell();
  readonly #phases = new Set<string>();
  readonly #parts = new Map<string, Part>();
  #end: { readonly error: OperationError | undefined } | undefined;
  #id = '';
  #over: Promise<void> = Promise.resolve();

  private constructor() {
    this.signal = this.#cancel.signal;
  }

  static async begin(
    call: BeginCall,
    operation: NewOperation,
    signal: AbortSignal | undefined,
  ): Promise<RemoteOperation> {
    const remote = new RemoteOperation();
    const answers = call(remote.#outgoing(operation), remote.#kill.signal)[Symbol.asyncIterator]();
    try {
      const { value, done } = await abortable(answers.next(), signal);
      if (done === true || value.answer.case !== 'begun')
        throw new Fault('unavailable', `begin ${operation.kind}: the daemon did not take it`);
      remote.#id = value.answer.value.id;
    } catch (e) {
      remote.#kill.abort();
      throw e;
    }
    remote.#over = remote.#listen(answers);
    return remote;
  }

  get id(): string {
    return this.#id;
  }

  phase(name: string): void {
    if (this.#end !== undefined) return;
    this.#phases.add(name);
    this.#news.ring();
  }

  part(part: Part): void {
    if (this.#end !== undefined || (this.#parts.size >= MAX_PARTS && !this.#parts.has(part.name))) return;
    this.#parts.set(part.name, part);
    this.#news.ring();
  }

  async end(failure?: unknown): Promise<void> {
    this.#end ??= { error: failure === undefined ? undefined : problemOf(failure) };
    this.#ending.abort();
    this.#news.ring();
    await this.#over;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end ??= { error: undefined };
    this.#kill.abort();
    await this.#over;
  }

  /** Settles when the daemon has ended the call. A daemon that is gone has no operation that could fail by it. */
  async #listen(answers: AsyncIterator<ReportResponse>): Promise<void> {
    try {
      for (;;) {
        const { value, done } = await answers.next();
        if (done === true) return;
        const { answer } = value as ReportResponse;
        if (answer.case === 'canceled') this.#cancel.abort(new Fault('canceled', answer.value.message));
      }
    } catch {
      // See above.
    } finally {
      this.#kill.abort();
    }
  }

  async *#outgoing({ kind, subject, startedBy = '', cancelable = true }: NewOperation) {
    yield request({ case: 'begin', value: { kind, subject, startedBy, cancelable } });
    const kill = this.#kill.signal;
    while (!kill.aborted) {
      const progress = this.#take();
      if (progress !== undefined) {
        yield progress;
        if (this.#end === undefined) await this.#apart();
      } else if (this.#end === undefined) {
        await this.#news.next(kill).catch(() => undefined);
      } else {
        break;
      }
    }
    if (kill.aborted || this.#end === undefined) return;
    const { error } = this.#end;
    yield request({ case: 'end', value: error === undefined ? {} : { error: errorToWire(error) } });
  }

  /** What has changed since the last time. */
  #take(): ReportRequest | undefined {
    if (this.#phases.size === 0 && this.#parts.size === 0) return undefined;
    const value = { phases: [...this.#phases], parts: [...this.#parts.values()].map(partToWire) };
    this.#phases.clear();
    this.#parts.clear();
    return request({ case: 'progress', value });
  }

  async #apart(): Promise<void> {
    const signal = AbortSignal.any([this.#kill.signal, this.#ending.signal]);
    await sleep(APART_MS, undefined, { signal, ref: false }).catch(() => undefined);
  }
}

function request(report: MessageInitShape<typeof ReportRequestSchema>['report']): ReportRequest {
  return create(ReportRequestSchema, { report: report as ReportRequest['report'] });
}
