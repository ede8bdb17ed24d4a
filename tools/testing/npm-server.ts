import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The longest publication that is taken: a package of the house is below 2 MiB. */
const MOST_BYTES = 64 * 1024 * 1024;

export interface PublishedManifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

interface Release {
  readonly manifest: PublishedManifest;
  readonly tarball: Buffer;
}

export interface NpmRegistry extends AsyncDisposable {
  readonly url: string;
  /** For whoever runs npm: `@stowage` comes from here, everything else from where it comes otherwise. */
  readonly env: Readonly<Record<string, string>>;
  /** Besides `env`, for who runs `npm publish`: flags. npm sends nothing without a token; this one opens nothing. */
  readonly publishFlags: readonly string[];
  /** Adds a release, as a publication does; of a name and version that is there already it throws. */
  add(manifest: PublishedManifest, tarball: Buffer): void;
  /** Versions of a package, in the order in which they came. */
  versions(name: string): readonly string[];
}

/**
 * A registry on loopback, in memory: as much of npm's as `npm publish` and `npm install` use. As npm's does, it holds a
 * tarball against the checksum that came with it, takes each version once, and nothing that is not for all.
 */
export async function startNpmServer(): Promise<NpmRegistry> {
  const all = new Map<string, Map<string, Release>>();
  const add = (manifest: PublishedManifest, tarball: Buffer) => {
    const { name, version } = manifest;
    const known = all.get(name) ?? new Map<string, Release>();
    if (known.has(version)) throw new Error(`publish ${name}@${version}: it is published already`);
    all.set(name, known.set(version, { manifest, tarball }));
  };
  const server = createServer((request, response) => {
    answer(request, response).catch((e: Error) => {
      response.statusCode = 403;
      response.end(JSON.stringify({ error: e.message }));
    });
  });
  // npm keeps what it read by URL: one that was there before, on the same port, must not answer for this.
  const base = `/${randomUUID()}/`;
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = decodeURIComponent(new URL(request.url ?? '', 'http://registry').pathname);
    const path = asked.startsWith(base) ? asked.slice(base.length) : '';
    if (request.method === 'PUT') {
      const { manifest, tarball } = published(await bodyOf(request));
      add(manifest, tarball);
      response.statusCode = 201;
      response.end('{"ok":true}');
      return;
    }
    const [, name = path, version] = /^(.+)\/-\/(.+)\.tgz$/.exec(path) ?? [];
    const releases = all.get(name);
    const tarball = version === undefined ? undefined : releases?.get(version)?.tarball;
    if (tarball !== undefined) {
      response.end(tarball);
    } else if (releases !== undefined && version === undefined) {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(packument(name, releases, url)));
    } else {
      response.statusCode = 404;
      response.end('{}');
    }
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}${base}`;
  return {
    url,
    env: { 'npm_config_@stowage:registry': url },
    publishFlags: [`--registry=${url}`, `--//127.0.0.1:${port}${base}:_authToken=none`],
    add,
    versions: (name) => [...(all.get(name)?.keys() ?? [])],
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MOST_BYTES) throw new Error(`a publication of more than ${MOST_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** What `npm publish` sends: one version, its tarball in base64, and the checksum that it has to have. */
function published(body: string): Release {
  const { versions, _attachments, access } = JSON.parse(body) as {
    readonly versions: Readonly<Record<string, PublishedManifest & { dist: { integrity: string } }>>;
    readonly _attachments: Readonly<Record<string, { readonly data: string }>>;
    readonly access: string | null;
  };
  const [manifest] = Object.values(versions);
  const [attachment] = Object.values(_attachments);
  if (manifest === undefined || attachment === undefined) throw new Error('a publication without a tarball');
  if (access !== 'public') throw new Error(`publish ${manifest.name}: it would be for members only`);
  const tarball = Buffer.from(attachment.data, 'base64');
  if (integrityOf(tarball) !== manifest.dist.integrity)
    throw new Error(
      `publish ${manifest.name}@${manifest.version}: the tarball is not what its checksum says`,
    );
  return { manifest, tarball };
}

/** What npm reads of a package before it fetches it. */
function packument(name: string, releases: ReadonlyMap<string, Release>, url: string): object {
  const versions: Record<string, object> = {};
  for (const [version, { manifest, tarball }] of releases) {
    const dist = {
      tarball: `${url}${name}/-/${version}.tgz`,
      integrity: integrityOf(tarball),
      shasum: createHash('sha1').update(tarball).digest('hex'),
    };
    versions[version] = { ...manifest, dist };
  }
  return { name, 'dist-tags': { latest: [...releases.keys()].at(-1) }, versions };
}

function integrityOf(tarball: Buffer): string {
  return `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
}
