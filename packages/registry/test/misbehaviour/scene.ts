import type { RequestListener } from 'node:http';
import type { FaultKind } from '@stowage/core';
import { openRegistry, type Registry, type RegistryOptions } from '../../src/index.ts';
import type { Certificates } from '../support/certificates.ts';
import { type RawAnswer, type Server, server } from './server.ts';

/** What must be seen by the registry that it is for, and by nobody else. */
export const SECRETS = {
  username: 'alice',
  password: 'pass-SECRET-word',
  identityToken: 'identity-SECRET-token',
  token: 'bearer-SECRET-token',
} as const;

export const BASIC = `Basic ${Buffer.from(`${SECRETS.username}:${SECRETS.password}`).toString('base64')}`;

/** A registry that does one thing wrong, what it is asked for, and what has to come of it. */
export interface Misbehaviour {
  /** Stable, for reports. */
  readonly id: string;
  /** How the registry answers those who have shown their password. */
  readonly answer?: ((scene: Scene) => RequestListener) | undefined;
  /** How it answers bytes with bytes, in its place. */
  readonly raw?: RawAnswer | undefined;
  /** By TLS. */
  readonly isSecure?: boolean | undefined;
  /** Answers those too who show nothing. */
  readonly isOpen?: boolean | undefined;
  readonly options?: RegistryOptions | undefined;
  /** How another server answers, at another host of this machine. */
  readonly elsewhere?: RequestListener | undefined;
  ask(scene: Scene): Promise<unknown>;
  /** `fine` is no failure. */
  readonly kind: FaultKind | 'fine';
  /** What the message says besides. */
  readonly says?: RegExp | undefined;
  /** Expectations about who was asked what. */
  readonly check?: ((scene: Scene) => void) | undefined;
}

export interface Scene extends AsyncDisposable {
  readonly registry: Registry;
  readonly own: Server;
  readonly other: Server;
  /** Below which all names are: `127.0.0.1:5000`. */
  readonly host: string;
}

const QUICK: RegistryOptions = {
  retries: 2,
  retryDelayMs: 5,
  idleTimeoutMs: 400,
  connectTimeoutMs: 2000,
  resolveTimeoutMs: 1500,
};

export async function setScene(
  { answer, raw, isSecure, isOpen, options, elsewhere }: Misbehaviour,
  certificates: Certificates,
): Promise<Scene> {
  let behave: RequestListener = (_, response) => response.destroy();
  const listener: RequestListener = (request, response) => {
    if (!isOpen && request.headers.authorization === undefined) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="registry"' }).end();
    } else {
      behave(request, response);
    }
  };
  const own = await server({
    address: '127.0.0.1',
    answer: listener,
    ...(raw !== undefined && { raw }),
    ...(isSecure && { tls: certificates.server }),
  });
  const other = await server({
    address: '127.0.0.2',
    answer: elsewhere ?? ((_, response) => response.end()),
  });
  const { username, password } = SECRETS;
  const registry = openRegistry({
    ...QUICK,
    ca: certificates.ca,
    plainHttp: !isSecure,
    credentials: ({ host }) => (host === own.host ? { username, password } : undefined),
    ...options,
  });
  const scene: Scene = {
    registry,
    own,
    other,
    host: own.host,
    async [Symbol.asyncDispose]() {
      await registry[Symbol.asyncDispose]();
      await own[Symbol.asyncDispose]();
      await other[Symbol.asyncDispose]();
    },
  };
  if (answer !== undefined) behave = answer(scene);
  return scene;
}
