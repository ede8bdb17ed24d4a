import type { Slot } from '@stowage/core';
import type { SpanContext } from './trace-context.ts';

/** Makes spans: what took how long, and because of what. None of its functions throws. */
export interface Tracer {
  /** Begins one, below `parent` if there is one, else below the one that is active, else as the first of a trace. */
  start(name: string, options: SpanOptions): Span;
  /** Whether spans go anywhere. Where they do not, they need not be made. */
  readonly isOn: boolean;
}

export type SpanKind = 'internal' | 'server' | 'client';

export type Attributes = Readonly<Record<string, string | number | boolean>>;

export interface SpanOptions {
  readonly kind: SpanKind;
  /** Of another process. */
  readonly parent?: SpanContext | undefined;
  readonly attributes?: Attributes | undefined;
}

export interface Span {
  readonly context: SpanContext;
  /** Runs work in which it is the active one, in all that the work awaits. */
  run<T>(work: () => T): T;
  set(attributes: Attributes): void;
  /** @param failure - why it did not end well. */
  end(failure?: string): void;
}

/** A span that is over, for whoever exports it. */
export interface EndedSpan {
  readonly name: string;
  readonly kind: SpanKind;
  readonly context: SpanContext;
  readonly parentSpanId: string | undefined;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly attributes: Attributes;
  readonly failure: string | undefined;
}

/** Where the daemon's spans are made, if it is told to trace. */
export const tracerSlot: Slot<Tracer> = { type: 'io.containerd.tracing.processor.v1', id: 'otlp', api: 1 };
