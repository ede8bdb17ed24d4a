import { readFile, stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { errnoOf, Fault } from '@stowage/core';
import type { ClientCertificate } from './connections.ts';
import { certificateFiles } from './docker-certs.ts';
import { defaultEndpoints, type Endpoint, type EndpointsOf } from './endpoint.ts';
import { type CertificateFiles, type HostSettings, parseHostsToml } from './hosts-toml.ts';

export interface HostsDirectoryOptions {
  /** For hosts that nothing is said of: HTTP to all, or to none. Default: to those on loopback only. */
  readonly plainHttp?: boolean | undefined;
}

/**
 * Endpoints as a directory says, in containerd's form: `<directory>/<host>/hosts.toml`, for a host with a port
 * `<host>_<port>_` or `<host>:<port>`, and `_default` for all that have none. Where a host's directory has no `hosts.toml`,
 * its files `*.crt`, `*.cert` and `*.key` are used as Docker does. What changes there counts from the next request on.
 *
 * @returns for `RegistryOptions.endpoints`. It throws Fault `invalid_argument` naming file and key of what is wrong; to
 *   fall back then, as containerd does, would pass over the mirrors and certificates that were meant.
 * @see containerd docs/hosts.md, core/remotes/docker/config/hosts.go
 */
export function hostsDirectory(directory: string, { plainHttp }: HostsDirectoryOptions = {}): EndpointsOf {
  const usual = defaultEndpoints(plainHttp);
  return async (host) => {
    const found = await directoryFor(directory, host);
    if (found === undefined) return usual(host);
    const file = join(found, 'hosts.toml');
    const text = await readText(file);
    // Empty is as good as absent, as for containerd.
    const all =
      text === undefined || text === ''
        ? [{ files: await certificateFiles(found) }]
        : parseHostsToml(file, text);
    return Promise.all(all.map((settings) => endpointOf(host, found, settings, usual(host)[0], plainHttp)));
  };
}

/** In the order of containerd's, on Windows without the colon that its file names can't have. */
async function directoryFor(directory: string, host: string): Promise<string | undefined> {
  const [, name, port] = /^(.+):([0-9]+)$/.exec(host) ?? [];
  const plain = process.platform === 'win32' ? host.replaceAll(':', '') : host;
  for (const candidate of [...(port === undefined ? [] : [`${name}_${port}_`]), plain, '_default']) {
    const path = join(directory, candidate);
    try {
      if ((await stat(path)).isDirectory()) return path;
    } catch (e) {
      if (errnoOf(e) !== 'ENOENT') throw new Fault('unavailable', `${path}: ${errnoOf(e)}`, { cause: e });
    }
  }
  return undefined;
}

async function endpointOf(
  host: string,
  base: string,
  { server, capabilities, headers, overridePath, skipVerify, connectTimeoutMs, proxy, files }: HostSettings,
  usual: Endpoint,
  plainHttp: boolean | undefined,
): Promise<Endpoint> {
  const { ca, clientCertificates } = await readCertificates(base, files);
  const connection = { ca, clientCertificates, skipVerify, connectTimeoutMs, proxy };
  const wantsTls = ca.length > 0 || clientCertificates.length > 0 || skipVerify !== undefined;
  if (server === undefined) {
    // The registry itself. Who gives certificates for it, even on loopback, means TLS.
    const origin = wantsTls && plainHttp !== true ? usual.origin.replace(/^http:/, 'https:') : usual.origin;
    return { origin, capabilities, headers, connection };
  }
  const root = server.pathname.replace(/\/+$/, '');
  const path = overridePath ? root : root.replace(/\/v2$/, '');
  // A mirror of several registries has to be told which is meant.
  const isItself = server.host === host || server.host === new URL(usual.origin).host;
  const namespace = isItself ? undefined : host;
  return { origin: server.origin, path, overridePath, capabilities, headers, namespace, connection };
}

async function readCertificates(base: string, { ca = [], client = [] }: CertificateFiles) {
  const read = async (path: string) => {
    const file = isAbsolute(path) ? path : join(base, path);
    const text = await readText(file);
    if (text === undefined) throw new Fault('invalid_argument', `${file}: there is no such file`);
    return text;
  };
  const pair = async ([certificate, key]: readonly [string, string?]): Promise<ClientCertificate> => {
    const text = await read(certificate);
    return { certificate: text, key: key === undefined || key === '' ? text : await read(key) };
  };
  return {
    ca: await Promise.all(ca.map(read)),
    clientCertificates: await Promise.all(client.map(pair)),
  };
}

async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (e) {
    if (errnoOf(e) === 'ENOENT') return undefined;
    throw new Fault('unavailable', `${file}: ${errnoOf(e)}`, { cause: e });
  }
}
