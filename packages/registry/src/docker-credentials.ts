import { join } from 'node:path';
import type { CallOptions } from '@stowage/core';
import { getByHelper } from './credential-helper.ts';
import type { Credentials, CredentialsOf, RegistryAddress } from './credentials.ts';
import {
  type AuthEntry,
  type DockerConfig,
  dockerConfigDirectory,
  parseConfig,
  readConfigText,
} from './docker-config.ts';
import { dockerKey, entryFor } from './docker-keys.ts';

export interface DockerConfigOptions {
  /** Where `config.json` is. Default: `$DOCKER_CONFIG`, or `.docker` at home. */
  readonly directory?: string | undefined;
  /** What helpers are found and run by. Default: this process's own. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** How long a helper may take. Default: 30 s. */
  readonly helperTimeoutMs?: number | undefined;
}

/**
 * Credentials as Docker keeps them. The file is read anew each time, for a login or a helper's new tokens to be known at
 * once.
 *
 * @returns for `RegistryOptions.credentials`. It throws Fault `invalid_argument` for a broken file; `not_found` or
 *   `unavailable` for a helper that is not there or fails.
 */
export function dockerCredentials(options: DockerConfigOptions = {}): CredentialsOf {
  const { file, helper } = settingsOf(options);
  return async (registry: RegistryAddress, { signal }: CallOptions = {}) => {
    const config = parseConfig(file, await readConfigText(file));
    const name = helperFor(config, registry);
    if (name !== undefined) return getByHelper(name, dockerKey(registry.host), { ...helper, signal });
    const entry = entryFor(config.auths, registry);
    return entry === undefined ? undefined : credentialsIn(entry);
  };
}

export function settingsOf({ directory, env = process.env, helperTimeoutMs = 30_000 }: DockerConfigOptions) {
  const file = join(directory ?? dockerConfigDirectory(env), 'config.json');
  return { file, helper: { env, timeoutMs: helperTimeoutMs } };
}

/** A helper for this registry counts more than the one for all. */
export function helperFor(
  { credHelpers, credsStore }: DockerConfig,
  registry: RegistryAddress,
): string | undefined {
  return entryFor(credHelpers, registry) ?? credsStore;
}

function credentialsIn(entry: AuthEntry): Credentials | undefined {
  const { identityToken, registryToken } = entry;
  if (registryToken !== undefined) return { registryToken };
  if (identityToken !== undefined) return { identityToken };
  const [username, password] =
    entry.auth === undefined ? [entry.username, entry.password] : decoded(entry.auth);
  return username === undefined || password === undefined ? undefined : { username, password };
}

/** A password may have colons, and ends with zeros that some write. */
function decoded(auth: string): readonly [string | undefined, string | undefined] {
  const text = Buffer.from(auth, 'base64').toString().replace(/\0+$/, '');
  const colon = text.indexOf(':');
  return colon < 0 ? [undefined, undefined] : [text.slice(0, colon), text.slice(colon + 1)];
}
