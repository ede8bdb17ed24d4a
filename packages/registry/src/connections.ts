import { getCACertificates } from 'node:tls';
import { Agent, type Dispatcher, EnvHttpProxyAgent } from 'undici';
import { guardedLookup } from './lookup.ts';
import { checkedProxy, type ProxySettings, proxyFor } from './proxy.ts';

/** How one registry is connected to, where that is not as all others are. */
export interface ConnectionSettings {
  /** Certificates, PEM, that are trusted besides the usual ones. */
  readonly ca?: readonly string[] | undefined;
  /** By which this client shows who it is, PEM. */
  readonly clientCertificates?: readonly ClientCertificate[] | undefined;
  /** Trusts whoever answers. For tests. */
  readonly skipVerify?: boolean | undefined;
  readonly connectTimeoutMs?: number | undefined;
  /** A proxy for this registry, whatever the environment says. */
  readonly proxy?: string | undefined;
}

export interface ClientCertificate {
  readonly certificate: string;
  readonly key: string;
}

export interface ConnectionDefaults {
  readonly ca: string | undefined;
  readonly connectTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly proxies: ProxySettings;
}

const MAX_KINDS = 64;

/**
 * Connections that are used again, apart by how they were made: what was connected to with a client certificate, or
 * where loopback was allowed, serves nobody who may not.
 */
export class Connections implements AsyncDisposable {
  readonly #defaults: ConnectionDefaults;
  readonly #dispatchers = new Map<string, Dispatcher>();

  constructor(defaults: ConnectionDefaults) {
    this.#defaults = defaults;
  }

  /** @throws Fault `invalid_argument` for a proxy that is none. */
  to(url: URL, allowLoopback: boolean, settings: ConnectionSettings = {}): Dispatcher {
    const proxy =
      settings.proxy === undefined
        ? proxyFor(url, this.#defaults.proxies)
        : checkedProxy(settings.proxy, `proxy for ${url.origin}`);
    const key = JSON.stringify([allowLoopback, proxy, settings]);
    const known = this.#dispatchers.get(key);
    if (known !== undefined) return known;
    const made = this.#make(allowLoopback, proxy, settings);
    this.#dispatchers.set(key, made);
    const [[oldest, dropped] = []] = this.#dispatchers;
    if (this.#dispatchers.size > MAX_KINDS && oldest !== undefined && dropped !== undefined) {
      this.#dispatchers.delete(oldest);
      // Ends once what is under way is over. Nobody is left to hear of a failure.
      void dropped.close().catch(() => undefined);
    }
    return made;
  }

  #make(allowLoopback: boolean, proxy: string | undefined, settings: ConnectionSettings): Dispatcher {
    const { ca, idleTimeoutMs, connectTimeoutMs, proxies } = this.#defaults;
    const { clientCertificates: pairs = [], skipVerify = false } = settings;
    const more = [...(ca === undefined ? [] : [ca]), ...(settings.ca ?? [])];
    const tls = {
      // Given certificates take the place of the usual ones, so these are named with them.
      ...(more.length > 0 && { ca: [...getCACertificates(), ...more] }),
      ...(pairs.length > 0 && {
        cert: pairs.map(({ certificate }) => certificate),
        key: pairs.map(({ key }) => key),
      }),
      ...(skipVerify && { rejectUnauthorized: false }),
      timeout: settings.connectTimeoutMs ?? connectTimeoutMs,
    };
    const common = {
      connect: { ...tls, lookup: guardedLookup(allowLoopback) },
      headersTimeout: idleTimeoutMs,
      bodyTimeout: idleTimeoutMs,
      maxHeaderSize: 64 * 1024,
      // Blobs side by side want connections side by side.
      allowH2: false,
    };
    if (proxy === undefined) return new Agent(common);
    const noProxy = settings.proxy === undefined ? (proxies.none ?? '') : '';
    // The proxy was named by the user, so it may be anywhere; the name of the target is resolved by it.
    const proxyTls = { timeout: tls.timeout };
    return new EnvHttpProxyAgent({
      ...common,
      httpProxy: proxy,
      httpsProxy: proxy,
      noProxy,
      requestTls: tls,
      proxyTls,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#dispatchers.values()].map((dispatcher) => dispatcher.destroy()));
    this.#dispatchers.clear();
  }
}
