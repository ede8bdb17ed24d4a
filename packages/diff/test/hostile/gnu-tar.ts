import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { copyFileSync, linkSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';

/**
 * GNU tar, run with a tree as its root directory. It takes names as they are (`-P`), so it resolves what we resolve.
 */
export class GnuTar {
  readonly #tools: string;
  readonly #loader: string;

  private constructor(tools: string, loader: string) {
    this.#tools = tools;
    this.#loader = loader;
  }

  /**
   * Copies the program and its libraries to where they can be linked into trees: on their filesystem.
   *
   * @returns undefined where there is no GNU tar.
   */
  static prepare(tools: string): GnuTar | undefined {
    let listed: string;
    try {
      if (!execFileSync('/bin/tar', ['--version'], { encoding: 'utf8' }).includes('GNU tar'))
        return undefined;
      listed = execFileSync('ldd', ['/bin/tar'], { encoding: 'utf8' });
    } catch {
      return undefined;
    }
    const libraries = listed.match(/\/\S+/g) ?? [];
    const loader = libraries.find((path) => basename(path).startsWith('ld-'));
    if (loader === undefined) return undefined;
    mkdirSync(tools);
    for (const path of ['/bin/tar', ...libraries]) copyFileSync(path, join(tools, basename(path)));
    return new GnuTar(tools, basename(loader));
  }

  /**
   * Extracts an archive, uncompressed, into a tree.
   *
   * @returns whether it had nothing to complain about.
   */
  async extract(archive: Uint8Array, root: string): Promise<boolean> {
    const hidden = `.${randomBytes(8).toString('hex')}`;
    mkdirSync(join(root, hidden));
    for (const name of readdirSync(this.#tools)) linkSync(join(this.#tools, name), join(root, hidden, name));
    try {
      const args = [
        ...[root, `/${hidden}/${this.#loader}`, '--library-path', `/${hidden}`, `/${hidden}/tar`],
        ...['-xpf', '-', '-P', '--numeric-owner', '--same-owner'],
        ...['--xattrs', '--xattrs-include=*', '--delay-directory-restore'],
      ];
      const child = spawn('chroot', args, {
        env: { LC_ALL: 'C', PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
        stdio: ['pipe', 'ignore', 'ignore'],
      });
      // It may end before it has read everything.
      child.stdin.on('error', () => {});
      child.stdin.end(archive);
      const code = await new Promise<number | null>((resolve, reject) => {
        child.once('error', reject);
        child.once('close', resolve);
      });
      return code === 0;
    } finally {
      rmSync(join(root, hidden), { recursive: true });
    }
  }
}
