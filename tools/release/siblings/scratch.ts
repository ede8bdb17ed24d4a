import { cp, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { must } from '@stowage/testing';
import { publicPackages, ROOT } from '../rehearse/packages.ts';

const LEFT_OUT = new Set(['node_modules', 'test', '.cache', 'coverage']);
const ENV = { CI: 'true', NX_DAEMON: 'false', npm_config_prefer_offline: 'true' };

/** A copy of the checkout, as far as releases go, with a history of its own: releases are made in it for real. */
export class Scratch {
  readonly dir: string;

  private constructor(dir: string) {
    this.dir = dir;
  }

  static async make(dir: string): Promise<Scratch> {
    await mkdir(join(dir, '.nx'), { recursive: true });
    const filter = (path: string) => !LEFT_OUT.has(basename(path));
    for (const name of [
      'package.json',
      'package-lock.json',
      'nx.json',
      '.npmrc',
      '.gitignore',
      'tsconfig.base.json',
    ])
      await cp(join(ROOT, name), join(dir, name));
    for (const name of ['packages', 'apps', 'tools/release', 'tools/jest'])
      await cp(join(ROOT, name), join(dir, name), { recursive: true, filter });
    await cp(join(ROOT, 'jest.config.js'), join(dir, 'jest.config.js'));
    await symlink(join(ROOT, 'node_modules'), join(dir, 'node_modules'));
    await writeFile(join(dir, '.gitignore'), 'node_modules\ndist\n.nx/*\n!.nx/version-plans/\n');
    const scratch = new Scratch(dir);
    await scratch.git('init', '--quiet', '--initial-branch=main');
    for (const [key, value] of [
      ['user.name', 'Rehearsal'],
      ['user.email', 'rehearsal@example.org'],
    ] as const)
      await scratch.git('config', key, value);
    await scratch.git('add', '--all');
    await scratch.git('commit', '--quiet', '--message', 'what is to be released');
    await scratch.git('tag', 'begin');
    return scratch;
  }

  /**
   * Releases packages by version plans, from what was copied on: versions, changelogs, a commit and tags.
   *
   * @param plans - by kind the packages.
   * @returns the tags.
   */
  async release(plans: Readonly<Record<string, readonly string[]>>): Promise<readonly string[]> {
    await this.git('reset', '--quiet', '--hard', 'begin');
    const folder = join(this.dir, '.nx/version-plans');
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    for (const [kind, names] of Object.entries(plans)) {
      const head = names.map((name) => `'${name}': ${kind}`).join('\n');
      await writeFile(join(folder, `${kind}.md`), `---\n${head}\n---\n\nA ${kind} of the rehearsal.\n`);
    }
    await this.git('add', '--all');
    await this.git('commit', '--quiet', '--message', 'plan a release');
    const before = await this.#tags();
    const nx = join(ROOT, 'node_modules/.bin/nx');
    await must(process.execPath, [nx, 'release', '--skip-publish'], {
      cwd: this.dir,
      env: ENV,
      timeoutMs: 300_000,
    });
    return (await this.#tags()).filter((tag) => !before.includes(tag));
  }

  /** Of its packages, as they are now. */
  packages(): ReturnType<typeof publicPackages> {
    return publicPackages(this.dir);
  }

  git(...args: readonly string[]): Promise<string> {
    return must('git', ['-C', this.dir, ...args]);
  }

  async #tags(): Promise<readonly string[]> {
    return (await this.git('tag', '--list', '@*')).split('\n').filter(Boolean);
  }
}
