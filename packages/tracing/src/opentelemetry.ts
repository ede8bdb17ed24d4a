import type * as OpenTelemetry from '@opentelemetry/api';
import type { SpanContext } from './trace-context.ts';
import type { Span, SpanKind, SpanOptions, Tracer } from './tracer.ts';

const NAME = 'stowage';
const SAMPLED = 1;

/**
 * Makes spans with the OpenTelemetry of the program, whatever SDK that has loaded. Without one they cost nothing: none is
 * made.
 *
 * ```ts
 * import * as api from '@opentelemetry/api';
 * const transport = unixTransport(address, { interceptors: [traceCalls(openTelemetryTracer(api))] });
 * ```
 *
 * @param api - The package `@opentelemetry/api`, as the program imports it.
 */
export function openTelemetryTracer(api: typeof OpenTelemetry): Tracer {
  const tracer = api.trace.getTracer(NAME);
  const kinds: Readonly<Record<SpanKind, OpenTelemetry.SpanKind>> = {
    internal: api.SpanKind.INTERNAL,
    server: api.SpanKind.SERVER,
    client: api.SpanKind.CLIENT,
  };
  const below = (parent: SpanContext | undefined) => {
    if (parent === undefined) return api.context.active();
    const { traceId, spanId, sampled } = parent;
    const traceFlags = sampled ? SAMPLED : 0;
    return api.trace.setSpanContext(api.context.active(), { traceId, spanId, traceFlags, isRemote: true });
  };
  return {
    get isOn() {
      // A proxy hands out spans of nobody's until an SDK is registered.
      const provider = api.trace.getTracerProvider();
      return (
        !('getDelegateTracer' in provider) ||
        (provider as OpenTelemetry.ProxyTracerProvider).getDelegateTracer(NAME) !== undefined
      );
    },
    start(name: string, { kind, parent, attributes = {} }: SpanOptions): Span {
      const outer = below(parent);
      const span = tracer.startSpan(name, { kind: kinds[kind], attributes: { ...attributes } }, outer);
      const inner = api.trace.setSpan(outer, span);
      const { traceId, spanId, traceFlags } = span.spanContext();
      return {
        context: { traceId, spanId, sampled: (traceFlags & SAMPLED) !== 0 },
        run: (work) => api.context.with(inner, work),
        set: (more) => void span.setAttributes({ ...more }),
        end(failure) {
          if (failure !== undefined) span.setStatus({ code: api.SpanStatusCode.ERROR, message: failure });
          span.end();
        },
      };
    },
  };
}
