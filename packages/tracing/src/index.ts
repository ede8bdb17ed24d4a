export { traceCalls } from './calls.ts';
export { LocalTracer, type LocalTracerOptions } from './local-tracer.ts';
export { observeCalls } from './observe.ts';
export { type OtlpExporterOptions, otlpExporter, type SpanExporter } from './otlp/exporter.ts';
export { formatTraceparent, parseTraceparent, type SpanContext } from './trace-context.ts';
export {
  type Attributes,
  type EndedSpan,
  type Span,
  type SpanKind,
  type SpanOptions,
  type Tracer,
  tracerSlot,
} from './tracer.ts';
