import type { CredentialsOf, EndpointsOf, Registry } from '@stowage/registry';

/** How registries are reached, and as whom. */
export interface RegistryAccess {
  /** Finds passwords and tokens, such as `dockerCredentials()` of registry. Default: none; all is asked anonymously. */
  readonly credentials?: CredentialsOf | undefined;
  /** Where registries are, mirrors included, such as `hostsDirectory('/etc/containerd/certs.d')`. Default: at their names. */
  readonly hosts?: EndpointsOf | undefined;
  /** Speaks HTTP to the registry, where `hosts` is not given. Default: to loopback only. */
  readonly plainHttp?: boolean | undefined;
}

/** A client of registries, to be disposed. */
export async function openRegistryAs({ credentials, hosts, plainHttp }: RegistryAccess): Promise<Registry> {
  // Half of all that this package loads, so only when it is needed.
  const { openRegistry } = await import('@stowage/registry');
  return openRegistry({ plainHttp, credentials, endpoints: hosts });
}
