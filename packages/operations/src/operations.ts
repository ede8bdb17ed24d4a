import type { CallOptions, FaultKind, Position, Scope, Slot } from '@stowage/core';

/**
 * What is going on: pulls, pushes, imports, exports, unpackings, garbage collections, whether the daemon does them or one
 * of its clients. Anybody who may use the service may watch and cancel them, not only who began them.
 *
 * A view of one namespace tells of its operations and of those that are of all namespaces; with the scope's namespace
 * empty, of everything. Nothing is kept on disk. Those that have ended are kept for a while.
 */
export interface OperationService {
  /**
   * Those there are, running and ended, in the order of their last changes. Any of the filters must match; fields: `id`,
   * `kind`, `namespace`, `subject`, `state`, `started_by`.
   *
   * @throws Fault `invalid_argument` for a filter that can't be parsed.
   */
  list(filters?: readonly string[], options?: CallOptions): AsyncIterable<Operation>;

  /**
   * What changes, each time with all that is known of the operation: first what changed since `after`, then what does
   * from now on. Without `after`, or if that is no longer known, all there is comes first; the latter is told by a `gap`.
   *
   * Progress is told ten times a second at most for each operation. A reader that takes longer hears of the last state
   * only; it costs nobody memory.
   *
   * @throws Fault `invalid_argument` for a filter that can't be parsed.
   */
  subscribe(options?: SubscribeOptions): AsyncIterable<OperationChange>;

  /**
   * Asks whoever does it to end it, and does not wait for that. Once is enough; more does no harm.
   *
   * @throws Fault `not_found`; `failed_precondition` if it has ended, or can't be canceled.
   */
  cancel(id: string, options?: CallOptions): Promise<void>;

  /**
   * Tells of something that the caller does, in the scope's namespace.
   *
   * @throws Fault `invalid_argument` for a kind that is no word; `failed_precondition` without a namespace;
   *   `resource_exhausted` if 1000 of those that were begun here are running.
   */
  begin(operation: NewOperation, options?: CallOptions): Promise<RunningOperation>;
}

/** Where those who do something tell of it, in the process that has the {@link OperationService}. */
export interface OperationRecorder {
  /** @param namespace - empty if it is of all namespaces. */
  begin(namespace: string, operation: NewOperation): RunningOperation;
}

export interface NewOperation {
  /** One word: `pull`, `push`, `import`, `export`, `unpack`, `gc`, or another. */
  readonly kind: string;
  /** What it is done to, such as the name of an image. */
  readonly subject: string;
  /** Who or what began it, for people: a user agent, a process. */
  readonly startedBy?: string | undefined;
  /** Whether {@link RunningOperation.signal} is heeded. Default: yes. */
  readonly cancelable?: boolean | undefined;
}

/**
 * An operation, for whoever does it. None of its calls fails or waits, and none does anything once it has ended. Disposing
 * ends it as failed if it has not ended: whoever did it has left without a word.
 */
export interface RunningOperation extends AsyncDisposable {
  readonly id: string;
  /** Fires when somebody cancels it; the reason is a Fault `canceled`. */
  readonly signal: AbortSignal;
  /** A stretch begins, if it has not begun before. */
  phase(name: string): void;
  /** What is known of a part now. */
  part(part: Part): void;
  /**
   * @param failure - why it did not end well: what was thrown.
   * @returns when others see it, or never will.
   */
  end(failure?: unknown): Promise<void>;
}

export type OperationState = 'running' | 'done' | 'failed' | 'canceled';

export interface Operation {
  /** Unique in the daemon's run. */
  readonly id: string;
  readonly kind: string;
  /** Empty if it is of all namespaces. */
  readonly namespace: string;
  readonly subject: string;
  readonly state: OperationState;
  readonly startedAt: Date;
  readonly endedAt?: Date | undefined;
  /** Why it failed or was canceled. */
  readonly error?: OperationError | undefined;
  /** Empty if it is not known. */
  readonly startedBy: string;
  readonly cancelable: boolean;
  /** In the order in which they began: `resolve`, `fetch`, `unpack`, `commit`, ... They may overlap. */
  readonly phases: readonly Phase[];
  /** In the order in which they were first told. */
  readonly parts: readonly Part[];
  /** Whether there are more parts than are kept: 2000. */
  readonly hasMoreParts: boolean;
}

export interface OperationError {
  readonly kind: FaultKind;
  readonly message: string;
}

export interface Phase {
  readonly name: string;
  readonly startedAt: Date;
}

/** A layer or another blob that an operation has to do with, or an archive. */
export interface Part {
  /** Its digest, if it is a blob; else what it is called. Unique in the operation. */
  readonly name: string;
  /** Empty where it has none. */
  readonly mediaType: string;
  /** What is done to it: `fetch`, `unpack`, `push`, `read`, `write`. */
  readonly stage: string;
  /** `exists`: nothing had to be done. `mounted`: the registry took it from another of its repositories. */
  readonly state: 'waiting' | 'running' | 'done' | 'exists' | 'mounted';
  /** Of this stage. */
  readonly bytesDone: bigint;
  /** 0 where it is not known. */
  readonly bytesTotal: bigint;
}

export interface SubscribeOptions extends CallOptions {
  /** That of the last change that was heard. */
  readonly after?: Position | undefined;
  /** As for `list`, without `state`: who watches an operation hears of its end. */
  readonly filters?: readonly string[] | undefined;
}

export type OperationChange =
  /** Changes are lost. All there is follows; what was heard before is out of date, and so is its position. */
  | { readonly type: 'gap' }
  | { readonly type: 'changed'; readonly position: Position; readonly operation: Operation };

/** The operations of a process: where they are told, and views of them by scope. */
export interface Operations extends OperationRecorder {
  scope(scope: Scope): OperationService;
}

export const operationsSlot: Slot<Operations> = { type: 'stowage.operations.v1', id: 'table', api: 1 };
