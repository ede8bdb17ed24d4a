import { mkdir, readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { must } from './process.ts';

const ROOT = join(import.meta.dirname, '../..');

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

interface Packed {
  readonly name: string;
  readonly version: string;
  readonly filename: string;
  readonly integrity: string;
  readonly shasum: string;
}

export interface NpmRegistry extends AsyncDisposable {
  /** For whoever runs npm: `@stowage` comes from here, everything else from where it comes otherwise. */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Packs packages of the checkout as they would be published, with all of ours that they need, and serves them as npm's
 * registry does. They must have been built.
 *
 * @param dir - for the tarballs, and npm's cache of them.
 */
export async function startNpmRegistry(dir: string, wanted: readonly string[]): Promise<NpmRegistry> {
  const manifests = await closure(wanted);
  await mkdir(dir, { recursive: true });
  const workspaces = [...manifests.keys()].flatMap((name) => ['--workspace', name]);
  const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', dir, ...workspaces];
  const packed = JSON.parse(await must('npm', pack, { cwd: ROOT, timeoutMs: 300_000 })) as Packed[];
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '');
    const tarball = packed.find(({ filename }) => path === `/-/${filename}`);
    const one = packed.find(({ name }) => path === `/${name}`);
    if (tarball !== undefined) {
      readFile(join(dir, tarball.filename)).then(
        (bytes) => response.end(bytes),
        (e) => response.destroy(e),
      );
    } else if (one !== undefined) {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(about(one, manifests.get(one.name), request.headers.host ?? '')));
    } else {
      response.statusCode = 404;
      response.end('{}');
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    env: { 'npm_config_@stowage:registry': `http://127.0.0.1:${port}/` },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** What npm reads of a package before it fetches it. */
function about({ name, version, filename, integrity, shasum }: Packed, manifest: object = {}, host: string) {
  const dist = { tarball: `http://${host}/-/${filename}`, integrity, shasum };
  return { name, 'dist-tags': { latest: version }, versions: { [version]: { ...manifest, dist } } };
}

/** Ours among what packages need, and what those need. */
async function closure(wanted: readonly string[]): Promise<Map<string, Manifest>> {
  const all = new Map<string, Manifest>();
  for (const base of ['packages', 'apps']) {
    for (const name of await readdir(join(ROOT, base))) {
      const text = await readFile(join(ROOT, base, name, 'package.json'), 'utf8').catch(() => undefined);
      const manifest = text === undefined ? undefined : (JSON.parse(text) as Manifest);
      if (manifest !== undefined) all.set(manifest.name, manifest);
    }
  }
  const needed = new Map<string, Manifest>();
  const add = (name: string) => {
    const manifest = all.get(name);
    if (manifest === undefined || needed.has(name)) return;
    needed.set(name, manifest);
    const { dependencies, optionalDependencies, peerDependencies } = manifest;
    for (const other of Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies }))
      add(other);
  };
  for (const name of wanted) add(name);
  return needed;
}
