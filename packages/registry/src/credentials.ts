import type { CallOptions } from '@stowage/core';
import type { Endpoint } from './endpoint.ts';

/** By which somebody is known to a registry. */
export type Credentials = PasswordCredentials | IdentityToken | RegistryToken;

export interface PasswordCredentials {
  readonly username: string;
  readonly password: string;
}

/** What a realm gave at a login in place of the password, to get tokens with (OAuth2's refresh token). */
export interface IdentityToken {
  readonly identityToken: string;
}

/** Sent to the registry as it is. */
export interface RegistryToken {
  readonly registryToken: string;
}

/** Whom credentials are wanted for. */
export interface RegistryAddress {
  /** As in names of images: `docker.io`, `registry.example:5000`. */
  readonly host: string;
  /** Where it is asked: `https://registry-1.docker.io`. */
  readonly origin: string;
}

/** Finds the credentials for a registry, or none. What it gives is sent to that origin and the realm it trusts only. */
export type CredentialsOf = (
  registry: RegistryAddress,
  options?: CallOptions,
) => Credentials | undefined | Promise<Credentials | undefined>;

export function addressOf({ origin }: Endpoint): RegistryAddress {
  const { host, origin: clean } = new URL(origin);
  return { host: host === 'registry-1.docker.io' ? 'docker.io' : host, origin: clean };
}

/** The header of RFC 7617, in UTF-8. */
export function basicHeader({ username, password }: PasswordCredentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}
