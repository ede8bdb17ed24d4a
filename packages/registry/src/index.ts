export type { ClientCertificate, ConnectionSettings } from './connections.ts';
export type {
  Credentials,
  CredentialsOf,
  IdentityToken,
  PasswordCredentials,
  RegistryAddress,
  RegistryToken,
} from './credentials.ts';
export type { Referrer } from './descriptor-fields.ts';
export { type DockerConfigOptions, dockerCredentials } from './docker-credentials.ts';
export { type Capability, defaultEndpoints, type Endpoint, type EndpointsOf } from './endpoint.ts';
export type { Exchange } from './exchange.ts';
export type { FetchOptions } from './fetch.ts';
export { type HostsDirectoryOptions, hostsDirectory } from './hosts-directory.ts';
export { type LoggedIn, type LoginOptions, login, logout } from './login.ts';
export { sourceRepositories } from './mount.ts';
export type { RegistryOptions } from './options.ts';
export { type ProxySettings, proxiesOf } from './proxy.ts';
export type { BlobBytes, PushBlobOptions, Pushed } from './push-blob.ts';
export type { Manifest, PushedManifest } from './push-manifest.ts';
export { normalizeReference, parseReference, type Reference } from './reference.ts';
export type { ReferrersOptions } from './referrers.ts';
export type { Registry, Resolved } from './registry.ts';
export { openRegistry } from './registry-client.ts';
export type { TagsOptions } from './tags.ts';
