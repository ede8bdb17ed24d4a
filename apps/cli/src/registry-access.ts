import { stat } from 'node:fs/promises';
import type { RegistryAccess } from '@stowage/client';
import { errnoOf, Fault, quote } from '@stowage/core';
import { dockerCredentials, type EndpointsOf, hostsDirectory } from '@stowage/registry';
import type { RegistryFlags } from './commands/registry-options.ts';

/** Where containerd looks too. */
const HOSTS_DIRECTORY = '/etc/containerd/certs.d';

/** Docker's logins, and the hosts that the options name. @throws Fault `invalid_argument` for a directory that is none. */
export async function registryAccess(
  flags: RegistryFlags = {},
): Promise<RegistryAccess & { hosts: EndpointsOf }> {
  const { hostsDir = HOSTS_DIRECTORY, insecureSkipVerify = false } = flags;
  if (flags.hostsDir !== undefined) await expectDirectory(flags.hostsDir);
  // Who asks for a certificate to be passed over means TLS, on loopback too.
  const plainHttp = flags.plainHttp ?? (insecureSkipVerify ? false : undefined);
  const hosts = hostsDirectory(hostsDir, { plainHttp });
  return {
    credentials: dockerCredentials(),
    hosts: insecureSkipVerify ? unverified(hosts) : hosts,
    plainHttp,
  };
}

async function expectDirectory(path: string): Promise<void> {
  const fail = (reason: string) => new Fault('invalid_argument', `--hosts-dir ${quote(path)}: ${reason}`);
  try {
    if ((await stat(path)).isDirectory()) return;
  } catch (e) {
    throw fail(errnoOf(e) === 'ENOENT' ? 'there is no such directory' : `${errnoOf(e)}`);
  }
  throw fail('it is no directory');
}

function unverified(hosts: EndpointsOf): EndpointsOf {
  return async (host) =>
    (await hosts(host)).map((endpoint) => ({
      ...endpoint,
      connection: { ...endpoint.connection, skipVerify: true },
    }));
}
