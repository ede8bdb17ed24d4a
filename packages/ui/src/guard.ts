import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

/** Why somebody is turned away. */
export interface Refusal {
  readonly status: 401 | 403 | 421;
  readonly reason: string;
}

const WEEK_SECONDS = 7 * 24 * 3600;

/**
 * Decides who may speak with the server. Whoever may has all that the daemon's socket allows, and browsers send requests
 * on behalf of any page that is open in them; so each must hold against
 *
 * - pages of other sites: the Origin must be ours, and the cookie is SameSite=Strict;
 * - names that were made to resolve to this machine (DNS rebinding): the Host must be an address or `localhost`;
 * - other people of this machine, who reach the port: a token of 256 random bits.
 */
export class Guard {
  readonly token = randomBytes(32).toString('base64url');
  readonly #cookie: string;
  readonly #digest = digestOf(this.token);

  /** @param port - that is listened at: browsers keep no cookies apart by port, so its name tells them apart. */
  constructor(port: number) {
    this.#cookie = `stowage-ui-${port}`;
  }

  /** Sets the cookie by which a browser is known from then on. Scripts can't read it. */
  get cookie(): string {
    return `${this.#cookie}=${this.token}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${WEEK_SECONDS}`;
  }

  isToken(text: string | null): boolean {
    return text !== null && timingSafeEqual(digestOf(text), this.#digest);
  }

  /** What speaks against a request before it is known whose it is; undefined if nothing does. */
  refuseOrigin({ headers, method }: IncomingMessage, isSocket = false): Refusal | undefined {
    const { host = '', origin } = headers;
    if (!isAddress(host)) return { status: 421, reason: 'the Host must be an address of this machine' };
    const foreign: Refusal = { status: 403, reason: 'the Origin is another' };
    if (origin !== undefined && origin !== `http://${host}`) return foreign;
    // Browsers name it whenever something may be changed; who is none need not come by a cookie.
    const mustBeNamed = isSocket || (method !== 'GET' && method !== 'HEAD');
    if (origin === undefined && mustBeNamed)
      return { status: 403, reason: 'a request that may change something must name its Origin' };
    const site = headers['sec-fetch-site'];
    // A link elsewhere may lead here; nothing else of other origins may, ports of the same host included.
    const isNavigation = headers['sec-fetch-mode'] === 'navigate' && !mustBeNamed;
    return site === undefined || site === 'same-origin' || site === 'none' || isNavigation
      ? undefined
      : foreign;
  }

  /** @returns undefined for somebody who has shown the token. */
  refuseStranger({ headers }: IncomingMessage): Refusal | undefined {
    if (this.isToken(cookieOf(headers, this.#cookie))) return undefined;
    return { status: 401, reason: 'open the address that "stowage ui" printed: it holds a token' };
  }
}

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest();

function cookieOf({ cookie = '' }: IncomingHttpHeaders, name: string): string | null {
  for (const pair of cookie.split('; ')) if (pair.startsWith(`${name}=`)) return pair.slice(name.length + 1);
  return null;
}

/** Through a tunnel the port is another one, so any will do. A name could be somebody's who lets it lead here. */
function isAddress(host: string): boolean {
  const [, v6, name] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+))(?::\d{1,5})?$/.exec(host) ?? [];
  return v6 === undefined ? name === 'localhost' || isIP(name ?? '') === 4 : isIP(v6) === 6;
}
