import { randomBytes } from 'node:crypto';
import { Fault, quote } from '@stowage/core';
import type {
  NewOperation,
  Operation,
  OperationError,
  OperationState,
  Part,
  Phase,
  RunningOperation,
} from '../operations.ts';
import { problemOf } from '../problem.ts';
import { cut, LIMIT, validateKind } from './limits.ts';
import type { OperationTable } from './table.ts';

/** Progress is told no sooner after what was told before. */
const APART_MS = 100;

/** An operation of the table, for whoever does it and for whoever looks. */
export class LocalOperation implements RunningOperation {
  readonly id = randomBytes(6).toString('hex');
  readonly kind: string;
  readonly namespace: string;
  readonly subject: string;
  readonly startedBy: string;
  readonly cancelable: boolean;
  readonly signal: AbortSignal;
  readonly #table: OperationTable;
  readonly #now: () => Date;
  readonly #onEnd: (() => void) | undefined;
  readonly #cancel = new AbortController();
  readonly #startedAt: Date;
  readonly #phases = new Map<string, Phase>();
  readonly #parts = new Map<string, Part>();
  #hasMoreParts = false;
  #state: OperationState = 'running';
  #endedAt: Date | undefined;
  #error: OperationError | undefined;
  #sequence = 0n;
  /** When it was last told of, on the clock of `performance`. */
  #toldAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #snapshot: Operation | undefined;

  /** @throws Fault `invalid_argument` */
  constructor(
    table: OperationTable,
    namespace: string,
    operation: NewOperation,
    now: () => Date,
    onEnd?: () => void,
  ) {
    validateKind(operation.kind);
    this.#table = table;
    this.#now = now;
    this.#onEnd = onEnd;
    this.#startedAt = now();
    this.kind = operation.kind;
    this.namespace = namespace;
    this.subject = cut(operation.subject, LIMIT.subject);
    this.startedBy = cut(operation.startedBy ?? '', LIMIT.startedBy);
    this.cancelable = operation.cancelable ?? true;
    this.signal = this.#cancel.signal;
    this.#tell();
  }

  get isEnded(): boolean {
    return this.#state !== 'running';
  }

  get state(): OperationState {
    return this.#state;
  }

  get partCount(): number {
    return this.#parts.size;
  }

  /** The number of its last change. */
  get sequence(): bigint {
    return this.#sequence;
  }

  phase(name: string): void {
    if (this.isEnded || this.#phases.size >= LIMIT.phases) return;
    const short = cut(name, LIMIT.phase);
    if (this.#phases.has(short)) return;
    this.#phases.set(short, { name: short, startedAt: this.#now() });
    this.#soon();
  }

  part({ name, mediaType, stage, state, bytesDone, bytesTotal }: Part): void {
    if (this.isEnded) return;
    const part: Part = {
      name: cut(name, LIMIT.partName),
      mediaType: cut(mediaType, LIMIT.mediaType),
      stage: cut(stage, LIMIT.phase),
      ...{ state, bytesDone, bytesTotal },
    };
    if (this.#parts.size < LIMIT.parts || this.#parts.has(part.name)) this.#parts.set(part.name, part);
    else this.#hasMoreParts = true;
    this.#soon();
  }

  async end(failure?: unknown): Promise<void> {
    if (this.isEnded) return;
    if (failure !== undefined) {
      const { kind, message } = problemOf(failure);
      this.#error = { kind, message: cut(message, LIMIT.message) };
    }
    this.#endedAt = this.#now();
    const isCanceled = this.signal.aborted || this.#error?.kind === 'canceled';
    this.#state = this.#error === undefined ? 'done' : isCanceled ? 'canceled' : 'failed';
    this.#tell();
    this.#table.ended();
    this.#onEnd?.();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end(new Fault('aborted', `${this.kind} ${quote(this.subject)}: its client went away`));
  }

  /** @throws Fault `failed_precondition` */
  cancel(): void {
    if (this.isEnded)
      throw new Fault('failed_precondition', `cancel operation ${this.id}: it has ended (${this.#state})`);
    if (!this.cancelable)
      throw new Fault('failed_precondition', `cancel operation ${this.id}: a ${this.kind} can't be canceled`);
    if (this.signal.aborted) return;
    this.#cancel.abort(new Fault('canceled', `${this.kind} ${quote(this.subject)}: somebody canceled it`));
  }

  snapshot(): Operation {
    this.#snapshot ??= {
      id: this.id,
      kind: this.kind,
      namespace: this.namespace,
      subject: this.subject,
      state: this.#state,
      startedAt: this.#startedAt,
      ...(this.#endedAt !== undefined && { endedAt: this.#endedAt }),
      ...(this.#error !== undefined && { error: this.#error }),
      startedBy: this.startedBy,
      cancelable: this.cancelable,
      phases: [...this.#phases.values()],
      parts: [...this.#parts.values()],
      hasMoreParts: this.#hasMoreParts,
    };
    return this.#snapshot;
  }

  #soon(): void {
    this.#snapshot = undefined;
    if (this.#timer !== undefined) return;
    const waitMs = this.#toldAt + APART_MS - performance.now();
    if (waitMs <= 0) this.#tell();
    else this.#timer = setTimeout(() => this.#tell(), waitMs).unref();
  }

  #tell(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#snapshot = undefined;
    this.#toldAt = performance.now();
    this.#sequence = this.#table.changed(this);
  }
}
