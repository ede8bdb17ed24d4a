import { isIPv6 } from 'node:net';
import { type Digest, Fault, parseDigest, quote } from '@stowage/core';

/** A name of something in a registry, taken apart. */
export interface Reference {
  /** As it was given. */
  readonly name: string;
  /** With its port, if it has one: `docker.io`, `localhost:5000`, `[::1]:5000`. */
  readonly host: string;
  /** `library/busybox` */
  readonly repository: string;
  readonly tag?: string | undefined;
  /** Wins over a tag. */
  readonly digest?: Digest | undefined;
}

const LABEL = '(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9])';
const HOST = new RegExp(`^(?:${LABEL}(?:\\.${LABEL})*|\\[[0-9A-Fa-f:.]+\\])(?::[0-9]{1,5})?$`);
const COMPONENT = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const REPOSITORY = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`);
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const MAX_NAME = 255;

/**
 * Takes a full name apart: `docker.io/library/busybox:latest`, `localhost:5000/x@sha256:…`. Nothing is filled in, as
 * containerd's API fills in nothing; see {@link normalizeReference} for what people type.
 *
 * @throws Fault `invalid_argument`
 */
export function parseReference(name: string): Reference {
  const fail = (reason: string) => new Fault('invalid_argument', `reference ${quote(name)}: ${reason}`);
  if (name.length > MAX_NAME + 300) throw fail('is too long');
  const [rest = '', digestText, ...more] = name.split('@');
  if (more.length > 0) throw fail('has more than one "@"');
  const slash = rest.indexOf('/');
  const host = rest.slice(0, Math.max(slash, 0));
  if (!isHost(host)) {
    throw fail('must begin with its registry and name a repository, as docker.io/library/busybox:latest');
  }
  const path = rest.slice(slash + 1);
  const colon = path.lastIndexOf(':');
  const repository = colon < 0 ? path : path.slice(0, colon);
  const tag = colon < 0 ? undefined : path.slice(colon + 1);
  if (!REPOSITORY.test(repository) || `${host}/${repository}`.length > MAX_NAME) {
    throw fail(
      `repository ${quote(repository)} must be lower-case words between "/", 255 characters at most`,
    );
  }
  if (tag !== undefined && !TAG.test(tag))
    throw fail(`tag ${quote(tag)} must be letters, digits, "_", "." or "-"`);
  const digest = digestText === undefined ? undefined : parseDigest(digestText);
  return {
    name,
    host,
    repository,
    ...(tag !== undefined && { tag }),
    ...(digest !== undefined && { digest }),
  };
}

/**
 * The full name of what people call an image: `busybox` is `docker.io/library/busybox:latest`.
 *
 * @throws Fault `invalid_argument`
 */
export function normalizeReference(text: string): string {
  const slash = text.indexOf('/');
  const first = text.slice(0, Math.max(slash, 0));
  const explicit = isHost(first);
  const host = !explicit || first === 'index.docker.io' ? 'docker.io' : first;
  const path = explicit ? text.slice(slash + 1) : text;
  const [beforeDigest = ''] = path.split('@', 1);
  const full = host === 'docker.io' && !beforeDigest.includes('/') ? `library/${path}` : path;
  const { name, tag, digest } = parseReference(`${host}/${full}`);
  return tag === undefined && digest === undefined ? `${name}:latest` : name;
}

/** @throws Fault `invalid_argument` for what is no host of a registry, such as `docker.io` or `localhost:5000`. */
export function parseHost(text: string): string {
  if (isHost(text)) return text;
  throw new Fault(
    'invalid_argument',
    `registry ${quote(text)}: it must be a host, as docker.io or localhost:5000`,
  );
}

export function isRepository(text: string): boolean {
  return text.length <= MAX_NAME && REPOSITORY.test(text);
}

export function isTag(text: string): boolean {
  return TAG.test(text);
}

/** A first word is a host only if it could not be a user of Docker Hub: it has a dot or a port, or is `localhost`. */
function isHost(text: string): boolean {
  if (!HOST.test(text)) return false;
  const [, address, port] = /^(.*?)(?::([0-9]+))?$/.exec(text) ?? [];
  if (address === undefined || (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)))
    return false;
  if (address.startsWith('[')) return isIPv6(address.slice(1, -1));
  return text.includes('.') || text.includes(':') || address === 'localhost';
}
