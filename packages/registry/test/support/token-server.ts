import { createPrivateKey, randomUUID, sign, X509Certificate } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Certificates } from './certificates.ts';

export const USER = { username: 'alice', password: 'correct horse' };
export const REFRESH_TOKEN = 'refresh-token-of-alice';

export interface TokenServer extends AsyncDisposable {
  readonly realm: string;
  readonly issuer: string;
  /** Of each request: who asked and for what. */
  readonly log: readonly {
    readonly method: string;
    readonly who: string;
    readonly scopes: readonly string[];
  }[];
  /** How long tokens are good for from now on. */
  lifeSeconds: number;
}

/**
 * Hands out tokens for docker-registry: all to {@link USER}, by password or refresh token, and to anybody what is below
 * `public/`, to pull.
 */
export async function tokenServer(certificates: Certificates): Promise<TokenServer> {
  const log: { method: string; who: string; scopes: string[] }[] = [];
  const state = { lifeSeconds: 300 };
  const server = createServer(certificates.server, (request, response) => {
    void answer(request, response).catch(() => response.destroy());
  });
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', 'https://x');
    const form = request.method === 'POST' ? new URLSearchParams(await textOf(request)) : undefined;
    const scopes =
      form === undefined ? url.searchParams.getAll('scope') : (form.get('scope') ?? '').split(' ');
    const who = form === undefined ? byPassword(request) : byRefreshToken(form);
    log.push({ method: request.method ?? '', who: who ?? 'refused', scopes });
    if (who === undefined) return void response.writeHead(401).end('{"errors":[{"code":"UNAUTHORIZED"}]}');
    const access = scopes.flatMap((scope) => granted(who, scope));
    const token = signed(certificates, { sub: who, access, life: state.lifeSeconds });
    const refresh = url.searchParams.get('offline_token') === 'true' ? { refresh_token: REFRESH_TOKEN } : {};
    response.end(JSON.stringify({ token, access_token: token, expires_in: state.lifeSeconds, ...refresh }));
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    realm: `https://127.0.0.1:${(server.address() as AddressInfo).port}/token`,
    issuer: 'test issuer',
    log,
    set lifeSeconds(value: number) {
      state.lifeSeconds = value;
    },
    get lifeSeconds() {
      return state.lifeSeconds;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function byPassword({ headers }: IncomingMessage): string | undefined {
  if (headers.authorization === undefined) return '';
  const expected = `Basic ${Buffer.from(`${USER.username}:${USER.password}`).toString('base64')}`;
  return headers.authorization === expected ? USER.username : undefined;
}

function byRefreshToken(form: URLSearchParams): string | undefined {
  const isRight = form.get('grant_type') === 'refresh_token' && form.get('refresh_token') === REFRESH_TOKEN;
  return isRight ? USER.username : undefined;
}

function granted(who: string, scope: string) {
  const [, type, name = '', actions = ''] = /^(repository):(.+):([a-z,*]+)$/.exec(scope) ?? [];
  if (type === undefined) return [];
  const all = actions.split(',');
  if (who === '')
    return name.startsWith('public/') && all.includes('pull') ? [{ type, name, actions: ['pull'] }] : [];
  return [{ type, name, actions: all }];
}

/** ES256 with the certificate in the header, which docker-registry checks against its bundle. */
function signed(
  { server }: Certificates,
  { sub, access, life }: { sub: string; access: object[]; life: number },
): string {
  const x5c = [new X509Certificate(server.cert).raw.toString('base64')];
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: 'test issuer', aud: 'test registry', sub, access, jti: randomUUID() };
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part({ typ: 'JWT', alg: 'ES256', x5c })}.${part({ ...claims, iat: now, nbf: now - 10, exp: now + life })}`;
  const key = createPrivateKey(server.key);
  return `${text}.${sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text;
}
