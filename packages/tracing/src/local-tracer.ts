import { AsyncLocalStorage } from 'node:async_hooks';
import { RandomIds } from './random-ids.ts';
import type { SpanContext } from './trace-context.ts';
import type { Attributes, EndedSpan, Span, SpanOptions, Tracer } from './tracer.ts';

export interface LocalTracerOptions {
  /** Told of each span that is over and kept; must not throw. */
  readonly onEnd: (span: EndedSpan) => void;
  /** Share of the traces that begin here that are kept; of others, whoever began them says. Default 1. */
  readonly ratio?: number | undefined;
}

/** Most attributes that are set later on one span. */
const MOST_ATTRIBUTES = 64;
/** The id decides whether a trace is kept, as OpenTelemetry's TraceIdRatioBased has it: whoever else has this ratio agrees. */
const RANGE = 2 ** 32;

/** A tracer of this process. */
export class LocalTracer implements Tracer {
  readonly isOn = true;
  readonly #onEnd: (span: EndedSpan) => void;
  readonly #bound: number;
  readonly #ids = new RandomIds();
  readonly #active = new AsyncLocalStorage<SpanContext>();

  constructor({ onEnd, ratio = 1 }: LocalTracerOptions) {
    this.#onEnd = onEnd;
    this.#bound = ratio * RANGE;
  }

  start(name: string, { kind, parent = this.#active.getStore(), attributes = {} }: SpanOptions): Span {
    const context = this.#below(parent);
    const startedAtMs = performance.timeOrigin + performance.now();
    const told: Record<string, Attributes[string]> = { ...attributes };
    let room = MOST_ATTRIBUTES;
    let isOver = false;
    return {
      context,
      run: (work) => this.#active.run(context, work),
      set(more) {
        // Nobody is to make a span of any size, attribute by attribute.
        for (const key in more) if (room-- > 0) told[key] = more[key] as Attributes[string];
      },
      end: (failure) => {
        if (isOver) return;
        isOver = true;
        if (!context.sampled) return;
        const endedAtMs = performance.timeOrigin + performance.now();
        const parentSpanId = parent?.spanId;
        this.#onEnd({ name, kind, context, parentSpanId, startedAtMs, endedAtMs, attributes: told, failure });
      },
    };
  }

  #below(parent: SpanContext | undefined): SpanContext {
    const spanId = this.#ids.next(8);
    if (parent !== undefined) return { ...parent, spanId };
    const traceId = this.#ids.next(16);
    const sampled = Number.parseInt(traceId.slice(16, 24), 16) < this.#bound;
    return { traceId, spanId, sampled };
  }
}
