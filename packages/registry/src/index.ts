export type { Endpoint, EndpointsOf } from './endpoint.ts';
export type { FetchOptions } from './fetch.ts';
export { normalizeReference, parseReference, type Reference } from './reference.ts';
export { openRegistry, type Registry, type RegistryOptions, type Resolved } from './registry.ts';
