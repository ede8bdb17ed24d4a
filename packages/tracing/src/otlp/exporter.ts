import { type Logger, reasonOf, silentLogger } from '@stowage/core';
import type { EndedSpan } from '../tracer.ts';
import { post } from './post.ts';
import { type Resource, tracesRequest } from './request.ts';

export interface OtlpExporterOptions {
  /** Of a collector: `http://127.0.0.1:4318`. Spans go to its `/v1/traces`, unless it has a path. */
  readonly endpoint: URL;
  readonly resource: Resource;
  /** How long spans may wait for others to go with. Default 1000. */
  readonly delayMs?: number | undefined;
  readonly log?: Logger | undefined;
}

/** Takes spans, and sends them. */
export interface SpanExporter extends AsyncDisposable {
  /** Never waits and never throws. */
  add(span: EndedSpan): void;
}

/** Spans that wait. What comes while so many do is dropped: a collector that is away must not cost memory. */
const MOST_WAITING = 4096;
const MOST_AT_ONCE = 512;
const DELAY_MS = 1000;
const TIMEOUT_MS = 10_000;
/** For what is left at the end. */
const LAST_MS = 2000;
/** Between two complaints. */
const QUIET_MS = 60_000;

/**
 * Sends spans to a collector as OTLP in JSON over HTTP, some at a time. What a collector does not take is not sent again.
 *
 * @see https://opentelemetry.io/docs/specs/otlp/#otlphttp
 */
export function otlpExporter(options: OtlpExporterOptions): SpanExporter {
  const { endpoint, resource, delayMs = DELAY_MS, log = silentLogger } = options;
  const url = new URL(endpoint);
  if (url.pathname === '/') url.pathname = '/v1/traces';
  const waiting: EndedSpan[] = [];
  let timer: NodeJS.Timeout | undefined;
  let sending: Promise<void> | undefined;
  let dropped = 0;
  let complainedAt = Number.NEGATIVE_INFINITY;

  const complain = (reason: string) => {
    if (performance.now() - complainedAt < QUIET_MS) return;
    complainedAt = performance.now();
    log.warn({ endpoint: url.origin, reason, dropped }, 'spans are lost: the collector did not take them');
    dropped = 0;
  };
  const send = async (signal: AbortSignal) => {
    const spans = waiting.splice(0, MOST_AT_ONCE);
    try {
      await post(url, tracesRequest(resource, spans), signal);
    } catch (e) {
      dropped += spans.length;
      complain(reasonOf(e));
    }
  };
  const sendSome = () => {
    clearTimeout(timer);
    timer = undefined;
    sending ??= send(AbortSignal.timeout(TIMEOUT_MS)).finally(() => {
      sending = undefined;
      if (waiting.length >= MOST_AT_ONCE) sendSome();
      else if (waiting.length > 0) later();
    });
  };
  const later = () => {
    timer ??= setTimeout(sendSome, delayMs).unref();
  };
  return {
    add(span) {
      if (waiting.length >= MOST_WAITING) {
        dropped += 1;
        complain(`${MOST_WAITING} spans wait already`);
        return;
      }
      waiting.push(span);
      if (waiting.length >= MOST_AT_ONCE) sendSome();
      else later();
    },
    async [Symbol.asyncDispose]() {
      const signal = AbortSignal.timeout(LAST_MS);
      const late = new Promise<void>((settle) => signal.addEventListener('abort', () => settle()));
      await Promise.race([sending, late]);
      while (waiting.length > 0 && !signal.aborted) await send(signal);
      clearTimeout(timer);
    },
  };
}
