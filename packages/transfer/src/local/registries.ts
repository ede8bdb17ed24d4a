import { isAbsolute } from 'node:path';
import { Fault, quote } from '@stowage/core';
import {
  type Credentials,
  type CredentialsOf,
  defaultEndpoints,
  type EndpointsOf,
  type Exchange,
  hostsDirectory,
  openRegistry,
  type Registry,
} from '@stowage/registry';
import type { RegistryImage, TransferCredentials } from '../objects.ts';
import type { Parts } from './parts.ts';

/** The registry of an image, reached as the object says. Dispose it. @throws Fault `invalid_argument` */
export function registryOf(parts: Parts, image: RegistryImage): Registry {
  const { scheme } = image;
  const { openRegistry: open = openRegistry } = parts;
  const plainHttp = scheme === undefined ? undefined : scheme === 'http';
  const onExchange = exchangeLog(image);
  const options = { plainHttp, onExchange, credentials: credentialsOf(image) };
  return open({ ...options, endpoints: endpointsOf(parts, image, plainHttp) });
}

function endpointsOf(parts: Parts, image: RegistryImage, plainHttp: boolean | undefined): EndpointsOf {
  const { hostDirectory: directory = parts.limits.hostDirectory, headers = {} } = image;
  if (directory !== undefined && !isAbsolute(directory)) {
    throw new Fault('invalid_argument', `host_dir ${quote(directory)}: expected an absolute path`);
  }
  validateHeaders(headers);
  const usual =
    directory === undefined ? defaultEndpoints(plainHttp) : hostsDirectory(directory, { plainHttp });
  if (Object.keys(headers).length === 0) return usual;
  return async (host) =>
    (await usual(host)).map((endpoint) => ({ ...endpoint, headers: { ...headers, ...endpoint.headers } }));
}

function validateHeaders(headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) {
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name))
      throw new Fault('invalid_argument', `header ${quote(name)}: not a name that a header can have`);
    if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value))
      throw new Fault('invalid_argument', `header ${quote(name)}: its value can't be sent`);
  }
}

function credentialsOf({ credentials, reference }: RegistryImage): CredentialsOf | undefined {
  if (credentials === undefined) return undefined;
  return async ({ origin }, options) => {
    // The host as it is connected to, as containerd asks: clients know Docker Hub by `registry-1.docker.io`.
    const answer = await credentials({ host: new URL(origin).host, reference, challenges: [] }, options);
    return registryCredentials(answer);
  };
}

/** @throws Fault `unimplemented` for a header that is neither Basic nor Bearer. */
function registryCredentials(answer: TransferCredentials): Credentials | undefined {
  switch (answer.type) {
    case 'none':
      return undefined;
    case 'password':
      return { username: answer.username, password: answer.password };
    case 'refresh':
      return { identityToken: answer.token };
    case 'header':
      return ofHeader(answer.value);
  }
}

function ofHeader(value: string): Credentials {
  const [, scheme = '', rest = ''] = /^(\S+) +(\S+)$/.exec(value.trim()) ?? [];
  switch (scheme.toLowerCase()) {
    case 'bearer':
      return { registryToken: rest };
    case 'basic': {
      const text = Buffer.from(rest, 'base64').toString();
      const colon = text.indexOf(':');
      if (colon >= 0) return { username: text.slice(0, colon), password: text.slice(colon + 1) };
      break;
    }
    default:
  }
  throw new Fault(
    'unimplemented',
    'credentials: a header is taken if it is Basic or Bearer, and well-formed',
  );
}

function exchangeLog({ debug, onLog }: RegistryImage): ((exchange: Exchange) => void) | undefined {
  if (debug === undefined || onLog === undefined) return undefined;
  return ({ method, url, headers, status, durationMs }) => {
    if (debug !== 'timing') {
      const fields = Object.entries(headers).map(([name, value]) => `  ${name}: ${String(value)}\n`);
      onLog(`${method} ${url}${status === undefined ? '' : ` -> ${status}`}\n${fields.join('')}`);
    }
    if (debug !== 'exchanges' && durationMs !== undefined)
      onLog(`${method} ${url}: ${Math.round(durationMs)} ms to the answer\n`);
  };
}
