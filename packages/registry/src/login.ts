import { type CallOptions, Fault } from '@stowage/core';
import { checkRegistry } from './check.ts';
import { eraseByHelper, storeByHelper } from './credential-helper.ts';
import type { IdentityToken, PasswordCredentials, RegistryAddress } from './credentials.ts';
import { parseConfig, readConfigText } from './docker-config.ts';
import { type DockerConfigOptions, helperFor, settingsOf } from './docker-credentials.ts';
import { dockerKey } from './docker-keys.ts';
import { editAuths } from './edit-config.ts';
import { defaultEndpoints } from './endpoint.ts';
import { openParts } from './open-parts.ts';
import type { RegistryOptions } from './options.ts';
import { parseHost } from './reference.ts';
import { limited } from './time-limit.ts';

export interface LoginOptions extends CallOptions, DockerConfigOptions {
  /** How the registry is reached; its `credentials` are not used. */
  readonly registry?: Omit<RegistryOptions, 'credentials'> | undefined;
}

export interface LoggedIn {
  /** The helper or the file that keeps the credentials now. */
  readonly keptBy: string;
  /** Whether that protects them: a file has them as good as in the clear. */
  readonly isProtected: boolean;
}

/**
 * Tries credentials at a registry, and keeps them as Docker does if they are taken: by the credential helper that
 * `config.json` names, else in that file. A realm that gives a token for further use has that kept in the password's place.
 *
 * @param host - `docker.io`, `registry.example:5000`.
 * @throws Fault `unauthenticated` if the registry refuses them; nothing is kept then. `unavailable` if they can't be kept.
 */
export async function login(
  host: string,
  credentials: PasswordCredentials | IdentityToken,
  options: LoginOptions = {},
): Promise<LoggedIn> {
  checkCredentials(host, credentials);
  const registry = addressOfHost(host, options);
  const kept = (await tried(registry, credentials, options)) ?? credentials;
  const { file, helper } = settingsOf(options);
  const key = dockerKey(registry.host);
  const name = helperFor(parseConfig(file, await readConfigText(file)), registry);
  if (name === undefined) {
    await editAuths(file, key, entryOf(kept));
    return { keptBy: file, isProtected: false };
  }
  await storeByHelper(name, key, kept, { ...helper, signal: options.signal });
  // As Docker does, to know later what one is logged in to.
  await editAuths(file, key, {});
  return { keptBy: `docker-credential-${name}`, isProtected: true };
}

/** Forgets the credentials for a registry, wherever Docker keeps them. The registry is not asked. */
export async function logout(host: string, options: Omit<LoginOptions, 'registry'> = {}): Promise<void> {
  const registry = addressOfHost(host, {});
  const { file, helper } = settingsOf(options);
  const key = dockerKey(registry.host);
  const config = parseConfig(file, await readConfigText(file));
  const name = helperFor(config, registry);
  if (name !== undefined) await eraseByHelper(name, key, { ...helper, signal: options.signal });
  for (const spelling of [key, `https://${registry.host}`, `http://${registry.host}`])
    if (config.auths.has(spelling)) await editAuths(file, spelling, undefined);
}

/** @returns what is to be kept in place of the credentials, if the registry gave that. */
async function tried(
  registry: RegistryAddress,
  credentials: PasswordCredentials | IdentityToken,
  { registry: settings = {}, signal }: LoginOptions,
): Promise<IdentityToken | undefined> {
  const closed = new AbortController();
  let refreshToken: string | undefined;
  const { host } = registry;
  // To the registry itself only, not to a mirror that may be asked for it.
  const credentialsOf = (asked: RegistryAddress) => (asked.host === host ? credentials : undefined);
  const onRefreshToken = (token: string) => {
    refreshToken = token;
  };
  const parts = openParts({ ...settings, credentials: credentialsOf }, closed.signal, onRefreshToken);
  await using _http = parts.http;
  try {
    await limited(`log in to ${host}`, parts.requestTimeoutMs, { signal }, (until) =>
      checkRegistry(parts.api, `log in to ${host}`, host, { signal: until }),
    );
  } finally {
    closed.abort(new Fault('canceled', `log in to ${host}: it is over`));
  }
  return refreshToken === undefined ? undefined : { identityToken: refreshToken };
}

function addressOfHost(host: string, { registry = {} }: LoginOptions): RegistryAddress {
  const asked = parseHost(host);
  const name = dockerKey(asked) === asked ? asked : 'docker.io';
  const [{ origin }] = defaultEndpoints(registry.plainHttp)(name);
  return { host: name, origin };
}

function entryOf(credentials: PasswordCredentials | IdentityToken): Record<string, string> {
  if ('identityToken' in credentials) return { identitytoken: credentials.identityToken };
  const { username, password } = credentials;
  return { auth: Buffer.from(`${username}:${password}`).toString('base64') };
}

/** What can't be told apart when it is read again, or would end a header. */
function checkCredentials(host: string, credentials: PasswordCredentials | IdentityToken): void {
  const fail = (reason: string) => new Fault('invalid_argument', `log in to ${host}: ${reason}`);
  if ('identityToken' in credentials) {
    if (credentials.identityToken === '') throw fail('the token is empty');
    return;
  }
  const { username, password } = credentials;
  if (username === '' || password === '') throw fail('user and password must not be empty');
  if (username.includes(':')) throw fail('a user must have no ":"');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\x00-\x1f\x7f]/.test(username + password))
    throw fail('user and password must have no control characters');
}
