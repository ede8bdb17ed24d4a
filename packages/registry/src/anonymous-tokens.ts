import { type CallOptions, Fault, quote } from '@stowage/core';
import { isLoopback } from './addresses.ts';
import type { Access, Authorizer } from './authorizer.ts';
import { readBody } from './body.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import { follow } from './follow.ts';
import type { Http, HttpResponse } from './http.ts';
import { shown } from './network-fault.ts';
import { statusFault } from './status-fault.ts';

const MAX_TOKEN_BODY_BYTES = 1024 * 1024;
const MAX_TOKEN_CHARACTERS = 64 * 1024;
const TOKEN_TIMEOUT_MS = 30_000;
/** A token without a stated life lives this long (distribution, auth/token). */
const DEFAULT_LIFE_SECONDS = 60;
const MAX_TOKENS = 1000;

interface Token {
  readonly value: string;
  readonly expiresAt: number;
}

/**
 * Tokens for whoever asks, as Docker Hub wants for public images. The realm that hands them out is asked without any
 * credentials, so it may be at another host than the registry; it may not be link-local, nor plain HTTP for a registry
 * that is not (CVE-2026-50151 and its kin).
 */
export class AnonymousTokens implements Authorizer {
  readonly #http: Http;
  readonly #tokens = new Map<string, Token>();

  constructor(http: Http) {
    this.#http = http;
  }

  headers(access: Access): Readonly<Record<string, string>> {
    const token = this.#tokens.get(keyOf(access));
    return token === undefined || token.expiresAt <= Date.now()
      ? {}
      : { authorization: `Bearer ${token.value}` };
  }

  async challenged(access: Access, response: HttpResponse, options: CallOptions): Promise<boolean> {
    const challenges = parseChallenges(response.headers['www-authenticate']);
    const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
    if (bearer === undefined) return false;
    const token = await this.#fetch(access, bearer, options);
    this.#tokens.delete(keyOf(access));
    this.#tokens.set(keyOf(access), token);
    const [oldest] = this.#tokens.keys();
    if (this.#tokens.size > MAX_TOKENS && oldest !== undefined) this.#tokens.delete(oldest);
    return true;
  }

  async #fetch(access: Access, { parameters }: Challenge, { signal }: CallOptions): Promise<Token> {
    const subject = `get token for ${access.endpoint.origin}`;
    const url = realmOf(access, parameters.get('realm') ?? '');
    const service = parameters.get('service');
    if (service !== undefined) url.searchParams.set('service', service);
    url.searchParams.set(
      'scope',
      parameters.get('scope') ?? `repository:${access.repository}:${access.actions}`,
    );
    const timeout = AbortSignal.timeout(TOKEN_TIMEOUT_MS);
    const either = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
    try {
      const allowLoopback = isLoopback(new URL(access.endpoint.origin).hostname);
      await using response = await follow(this.#http, {
        subject,
        method: 'GET',
        url,
        allowLoopback,
        signal: either,
      });
      if (response.status !== 200) throw await statusFault(subject, response);
      return parseToken(subject, url, await readBody(subject, response, MAX_TOKEN_BODY_BYTES));
    } catch (e) {
      if (!timeout.aborted || signal?.aborted) throw e;
      throw new Fault(
        'unavailable',
        `${subject}: ${shown(url)} took more than ${TOKEN_TIMEOUT_MS / 1000} s`,
        {
          cause: e,
        },
      );
    }
  }
}

function keyOf({ endpoint, repository, actions }: Access): string {
  return `${endpoint.origin} ${endpoint.path ?? ''} ${repository} ${actions}`;
}

function realmOf({ endpoint }: Access, realm: string): URL {
  const url = URL.parse(realm);
  const fail = (reason: string) =>
    new Fault('permission_denied', `get token for ${endpoint.origin}: ${reason}`);
  if (url === null) throw fail(`its realm ${quote(realm)} is no URL`);
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw fail(`its realm is ${quote(url.protocol)}`);
  if (url.protocol === 'http:' && endpoint.origin.startsWith('https:')) {
    throw fail(`its realm ${shown(url)} is not encrypted, and the registry is`);
  }
  if (url.username !== '' || url.password !== '') throw fail(`its realm ${shown(url)} has a password in it`);
  return url;
}

function parseToken(subject: string, url: URL, body: Buffer): Token {
  const fail = (reason: string, cause?: unknown) =>
    new Fault('unauthenticated', `${subject}: ${shown(url)} ${reason}`, { cause });
  let parsed: { token?: unknown; access_token?: unknown; expires_in?: unknown } | null;
  try {
    parsed = JSON.parse(body.toString());
  } catch (e) {
    throw fail('answered no JSON', e);
  }
  const value = parsed?.token ?? parsed?.access_token;
  // It becomes a header, so it must not be able to end one.
  if (typeof value !== 'string' || value.length > MAX_TOKEN_CHARACTERS || !/^[\x21-\x7e]+$/.test(value)) {
    throw fail('answered no token');
  }
  const life = typeof parsed?.expires_in === 'number' ? parsed.expires_in : DEFAULT_LIFE_SECONDS;
  return { value, expiresAt: Date.now() + Math.min(Math.max(life, 1), 3600) * 900 };
}
