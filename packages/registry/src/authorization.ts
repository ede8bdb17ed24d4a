import { abortable, type CallOptions } from '@stowage/core';
import { isLoopback } from './addresses.ts';
import type { Access, Answered, Authorizer } from './authorizer.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import { addressOf, basicHeader, type Credentials, type CredentialsOf } from './credentials.ts';
import type { Endpoint } from './endpoint.ts';
import type { Http, HttpResponse } from './http.ts';
import { isTrustedRealm, realmOf } from './realm.ts';
import type { RetryOptions } from './retry.ts';
import { scopesOf } from './scopes.ts';
import { limited } from './time-limit.ts';
import { requestToken } from './token-request.ts';

const TOKEN_TIMEOUT_MS = 30_000;
const MAX_KNOWN = 1000;

export interface AuthorizationOptions {
  readonly http: Http;
  readonly credentialsOf: CredentialsOf;
  /** `host` or `host:port` of realms that may see credentials, besides those that always may. */
  readonly realms: readonly string[];
  readonly retry: RetryOptions;
  /** Asks realms for a refresh token too, and hands it over. */
  readonly onRefreshToken?: ((token: string) => void) | undefined;
  /** Ends requests for tokens that nobody waits for any more. */
  readonly closed: AbortSignal;
}

interface Known {
  readonly authorization: string;
  readonly expiresAt: number;
}

/**
 * Passwords and tokens for those who ask for them. Credentials go to the registry that they are for, by its scheme, host
 * and port, and to a realm that {@link isTrustedRealm} trusts; any other realm is asked anonymously, as Docker Hub's is
 * for public images (CVE-2026-50151 and its kin).
 */
export class Authorization implements Authorizer {
  readonly #options: AuthorizationOptions;
  readonly #known = new Map<string, Known>();
  /** Tokens that are on their way, so that many who want the same ask once. */
  readonly #pending = new Map<string, Promise<Answered>>();

  constructor(options: AuthorizationOptions) {
    this.#options = options;
  }

  headers(access: Access): Readonly<Record<string, string>> {
    for (const key of [tokenKey(access), basicKey(access.endpoint)]) {
      const known = this.#known.get(key);
      if (known !== undefined && known.expiresAt > Date.now()) return { authorization: known.authorization };
    }
    return {};
  }

  async challenged(
    access: Access,
    response: HttpResponse,
    sent: Readonly<Record<string, string>>,
    { signal }: CallOptions,
  ): Promise<Answered> {
    const { authorization } = this.headers(access);
    // Somebody else has got a new one since.
    if (authorization !== undefined && authorization !== sent.authorization) return { again: true };
    const challenges = parseChallenges(response.headers['www-authenticate']);
    const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
    if (bearer === undefined && !challenges.some(({ scheme }) => scheme === 'basic')) return { again: false };
    if (bearer === undefined) return this.#basic(access.endpoint, sent, { signal });
    const key = `${tokenKey(access)} ${bearer.parameters.get('scope') ?? ''}`;
    let pending = this.#pending.get(key);
    if (pending === undefined) {
      pending = this.#bearer(access, bearer).finally(() => this.#pending.delete(key));
      this.#pending.set(key, pending);
    }
    return abortable(pending, signal);
  }

  async #basic(
    endpoint: Endpoint,
    sent: Readonly<Record<string, string>>,
    options: CallOptions,
  ): Promise<Answered> {
    const credentials = await this.#options.credentialsOf(addressOf(endpoint), options);
    if (credentials === undefined || !('password' in credentials)) return { again: false };
    const authorization = basicHeader(credentials);
    const hint = 'the password that is known was refused';
    // What is known by now may be what somebody else found meanwhile, for a request that was sent without as well.
    if (sent.authorization === authorization) return { again: false, hint };
    this.#remember(basicKey(endpoint), { authorization, expiresAt: Number.POSITIVE_INFINITY });
    return { again: true, hint };
  }

  async #bearer(access: Access, { parameters }: Challenge): Promise<Answered> {
    const { http, credentialsOf, realms, retry, onRefreshToken, closed: signal } = this.#options;
    const { endpoint } = access;
    const subject = `get token for ${endpoint.origin}`;
    const credentials = await credentialsOf(addressOf(endpoint), { signal });
    if (credentials !== undefined && 'registryToken' in credentials) {
      const authorization = `Bearer ${credentials.registryToken}`;
      const again = this.headers(access).authorization !== authorization;
      this.#remember(tokenKey(access), { authorization, expiresAt: Number.POSITIVE_INFINITY });
      return { again, hint: 'the token that is known was refused' };
    }
    const realm = realmOf(endpoint, parameters.get('realm') ?? '');
    const registry = new URL(endpoint.origin);
    const isTrusted = isTrustedRealm(endpoint, realm, realms);
    const request = {
      subject,
      realm,
      service: parameters.get('service'),
      scopes: scopesOf(access.scopes, parameters.get('scope')),
      credentials: isTrusted ? credentials : undefined,
      isOffline: onRefreshToken !== undefined,
      // A realm on this machine is one that was listed, or its registry is here too.
      allowLoopback: isLoopback(registry.hostname) || realms.includes(realm.host),
      connection: realm.hostname === registry.hostname ? endpoint.connection : undefined,
    };
    const token = await limited(subject, TOKEN_TIMEOUT_MS, { signal }, (until) =>
      requestToken(http, request, retry, { signal: until }),
    );
    this.#remember(tokenKey(access), { authorization: `Bearer ${token.value}`, expiresAt: token.expiresAt });
    if (token.refreshToken !== undefined) onRefreshToken?.(token.refreshToken);
    return { again: true, hint: hintOf(credentials, isTrusted, realm) };
  }

  #remember(key: string, known: Known): void {
    this.#known.delete(key);
    this.#known.set(key, known);
    const [oldest] = this.#known.keys();
    if (this.#known.size > MAX_KNOWN && oldest !== undefined) this.#known.delete(oldest);
  }
}

function hintOf(credentials: Credentials | undefined, isTrusted: boolean, realm: URL): string | undefined {
  if (credentials === undefined || isTrusted) return undefined;
  return `no credentials were sent to its realm ${realm.origin}, which is at another host: list it in "realms" to trust it`;
}

function basicKey({ origin, path = '' }: Endpoint): string {
  return `${origin}${path}`;
}

function tokenKey({ endpoint, scopes }: Access): string {
  return `${basicKey(endpoint)} ${scopesOf(scopes, undefined).join(' ')}`;
}
