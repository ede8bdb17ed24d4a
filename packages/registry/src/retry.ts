import { setTimeout as sleep } from 'node:timers/promises';
import type { HttpResponse } from './http.ts';
import { isTransient } from './network-fault.ts';

export interface RetryOptions {
  /** How often it is tried again. */
  readonly retries: number;
  /** Wait before the first time; doubled for each further one, and spread by half so that clients do not march in step. */
  readonly delayMs: number;
  /** A registry that asks for more patience is not waited for. */
  readonly maxDelayMs: number;
  /**
   * Whether to try again only what the registry says it did not take: 429 and 503 with `Retry-After`. For what must not
   * happen twice, or goes on elsewhere once it broke off. Default: no.
   */
  readonly onlyIfRefused?: boolean | undefined;
}

const RETRIED: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);

/**
 * Sends until there is an answer that trying again would not change.
 *
 * @returns the last answer, be it a failure.
 */
export async function retried(
  send: () => Promise<HttpResponse>,
  options: RetryOptions,
  signal: AbortSignal | undefined,
): Promise<HttpResponse> {
  for (let tries = 0; ; tries++) {
    const own = options.delayMs * 2 ** tries * (0.5 + Math.random());
    let waitMs = own;
    try {
      const response = await send();
      if (!isWorthAgain(response, options) || tries >= options.retries) return response;
      waitMs = Math.max(own, retryAfterMs(response.headers['retry-after']));
      if (waitMs > options.maxDelayMs) return response;
      await response[Symbol.asyncDispose]();
    } catch (e) {
      if (signal?.aborted || tries >= options.retries || options.onlyIfRefused || !isTransient(e)) throw e;
    }
    await pause(Math.min(waitMs, options.maxDelayMs), signal);
  }
}

function isWorthAgain({ status, headers }: HttpResponse, { onlyIfRefused }: RetryOptions): boolean {
  if (!onlyIfRefused) return RETRIED.has(status);
  return (status === 429 || status === 503) && headers['retry-after'] !== undefined;
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch (e) {
    // Node's own AbortError would hide why.
    signal?.throwIfAborted();
    throw e;
  }
}

/** Seconds or a date (RFC 9110, section 10.2.3). */
function retryAfterMs(header: string | undefined): number {
  if (header === undefined) return 0;
  const ms = /^[0-9]+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? 0 : Math.max(ms, 0);
}
