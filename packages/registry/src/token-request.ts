import type { CallOptions } from '@stowage/core';
import { readBody } from './body.ts';
import type { ConnectionSettings } from './connections.ts';
import { basicHeader, type IdentityToken, type PasswordCredentials } from './credentials.ts';
import { follow } from './follow.ts';
import type { Http, HttpResponse } from './http.ts';
import { type RetryOptions, retried } from './retry.ts';
import { statusFault } from './status-fault.ts';
import { parseToken, type Token } from './token-answer.ts';

const MAX_TOKEN_BODY_BYTES = 1024 * 1024;
const CLIENT_ID = 'stowage';

export interface TokenRequest {
  /** For messages. */
  readonly subject: string;
  readonly realm: URL;
  readonly service: string | undefined;
  /** `repository:library/busybox:pull` */
  readonly scopes: readonly string[];
  /** None asks anonymously. */
  readonly credentials: PasswordCredentials | IdentityToken | undefined;
  /** Asks for a refresh token too. */
  readonly isOffline: boolean;
  readonly allowLoopback: boolean;
  readonly connection: ConnectionSettings | undefined;
}

/**
 * Gets a token: by GET, which all realms know; by POST where there is a refresh token, or where GET is not known.
 *
 * @throws Fault as {@link statusFault}; `unauthenticated` if what comes is no token.
 * @see distribution docs/spec/auth/token.md, oauth.md
 */
export async function requestToken(
  http: Http,
  request: TokenRequest,
  retry: RetryOptions,
  { signal }: CallOptions,
): Promise<Token> {
  const { subject, credentials } = request;
  const hasIdentity = credentials !== undefined && 'identityToken' in credentials;
  const send = (way: typeof byGet) => retried(() => way(http, request, signal), retry, signal);
  await using first = await send(hasIdentity ? byPost : byGet);
  const isGetUnknown = first.status === 404 || first.status === 405;
  if (hasIdentity || credentials === undefined || !isGetUnknown) return await read(subject, first);
  await first[Symbol.asyncDispose]();
  await using second = await send(byPost);
  return await read(subject, second);
}

async function read(subject: string, response: HttpResponse): Promise<Token> {
  if (response.status !== 200) throw await statusFault(subject, response);
  return parseToken(subject, response.url, await readBody(subject, response, MAX_TOKEN_BODY_BYTES));
}

function byGet(http: Http, request: TokenRequest, signal: AbortSignal | undefined): Promise<HttpResponse> {
  const { subject, service, scopes, credentials, isOffline, allowLoopback, connection } = request;
  const url = new URL(request.realm);
  if (service !== undefined) url.searchParams.set('service', service);
  for (const scope of scopes) url.searchParams.append('scope', scope);
  const password = credentials !== undefined && 'password' in credentials ? credentials : undefined;
  if (password !== undefined) {
    url.searchParams.set('account', password.username);
    if (isOffline) url.searchParams.set('offline_token', 'true');
  }
  const headers = password === undefined ? {} : { authorization: basicHeader(password) };
  return follow(http, { subject, method: 'GET', url, headers, allowLoopback, connection, signal });
}

function byPost(http: Http, request: TokenRequest, signal: AbortSignal | undefined): Promise<HttpResponse> {
  const { subject, realm: url, service, scopes, credentials, isOffline, allowLoopback, connection } = request;
  const form = new URLSearchParams({ client_id: CLIENT_ID });
  if (service !== undefined) form.set('service', service);
  if (scopes.length > 0) form.set('scope', scopes.join(' '));
  if (isOffline) form.set('access_type', 'offline');
  if (credentials !== undefined && 'identityToken' in credentials) {
    form.set('grant_type', 'refresh_token');
    form.set('refresh_token', credentials.identityToken);
  } else if (credentials !== undefined) {
    form.set('grant_type', 'password');
    form.set('username', credentials.username);
    form.set('password', credentials.password);
  }
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const body = Buffer.from(form.toString());
  return follow(http, { subject, method: 'POST', url, headers, body, allowLoopback, connection, signal });
}
