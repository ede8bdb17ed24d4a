import { errnoOf, Fault, type FaultKind, quote, reasonOf } from '@stowage/core';
import type { HttpRequest } from './http.ts';
import { FORBIDDEN_ADDRESS } from './lookup.ts';

const REASONS: ReadonlyMap<string, readonly [FaultKind, string]> = new Map([
  ['ECONNREFUSED', ['unavailable', 'connection refused: is the registry up?']],
  ['ENOTFOUND', ['unavailable', 'there is no host of this name']],
  ['EAI_AGAIN', ['unavailable', 'its name could not be resolved now: is there a network?']],
  ['ENETUNREACH', ['unavailable', 'network unreachable']],
  ['EHOSTUNREACH', ['unavailable', 'host unreachable']],
  ['ETIMEDOUT', ['unavailable', 'the connection timed out']],
  ['UND_ERR_CONNECT_TIMEOUT', ['unavailable', 'the connection timed out']],
  ['UND_ERR_HEADERS_TIMEOUT', ['unavailable', 'it did not answer in time']],
  ['UND_ERR_BODY_TIMEOUT', ['unavailable', 'it stopped sending']],
  ['UND_ERR_PRX_TLS', ['failed_precondition', 'the certificate of the proxy is not trusted']],
  ['UND_ERR_HEADERS_OVERFLOW', ['resource_exhausted', 'more than 64 KiB of headers came']],
  ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', ['failed_precondition', 'it says wrongly how much it sends']],
  ['EPROTO', ['failed_precondition', 'it does not speak TLS: is it a plain HTTP registry?']],
  [
    'ERR_SSL_WRONG_VERSION_NUMBER',
    ['failed_precondition', 'it does not speak TLS: is it a plain HTTP registry?'],
  ],
  [
    'ERR_SSL_PACKET_LENGTH_TOO_LONG',
    ['failed_precondition', 'it does not speak TLS: is it a plain HTTP registry?'],
  ],
]);

const CERTIFICATE = /^(ERR_TLS_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH)/;

/**
 * What a failed exchange means to whoever asked for it: `unavailable` where trying again may help. A signal that fired
 * wins over whatever it broke.
 */
export function networkFault(e: unknown, { subject, url, signal }: HttpRequest): unknown {
  if (signal?.aborted) return signal.reason;
  if (Fault.is(e)) return e;
  const codes = codesOf(e);
  if (codes.includes(FORBIDDEN_ADDRESS)) return forbidden(subject, url, reasonOf(e), e);
  // Without its cause, which has what came in full, be it an echo of the password.
  if ((e as Partial<Error>).name === 'HTTPParserError')
    return new Fault('failed_precondition', `${subject}: what it sends is not HTTP (${shown(url)})`);
  for (const code of codes) {
    const known = REASONS.get(code);
    if (known !== undefined)
      return new Fault(known[0], `${subject}: ${known[1]} (${shown(url)})`, { cause: e });
    if (CERTIFICATE.test(code)) {
      const reason = `its certificate is not trusted: ${quote(reasonOf(e))}`;
      return new Fault('failed_precondition', `${subject}: ${reason} (${shown(url)})`, { cause: e });
    }
  }
  return new Fault('unavailable', `${subject}: ${quote(reasonOf(e))} (${shown(url)})`, { cause: e });
}

export function forbidden(subject: string, url: URL, what: string, cause?: unknown): Fault {
  const reason = `it leads to ${what}, and link-local addresses are never asked, and loopback only where it was named`;
  return new Fault(
    'permission_denied',
    `${subject}: ${reason} (${shown(url)})`,
    cause === undefined ? {} : { cause },
  );
}

const TRANSIENT: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'EAI_AGAIN']);

/** Whether the exchange broke off in a way that happens to healthy servers, so that it may be tried again at once. */
export function isTransient(e: unknown): boolean {
  return Fault.is(e, 'unavailable') && codesOf(e).some((code) => TRANSIENT.has(code));
}

/** For a message: without user, password and query, any of which may be a secret. */
export function shown(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

/** A name with several addresses fails with an error for each. */
function codesOf(e: unknown): string[] {
  const own = errnoOf(e);
  const { errors, cause } = (e ?? {}) as { errors?: unknown; cause?: unknown };
  const inner = [...(Array.isArray(errors) ? errors : []), ...(cause === undefined ? [] : [cause])];
  return [...(own === undefined ? [] : [own]), ...inner.flatMap((one) => codesOf(one))];
}
