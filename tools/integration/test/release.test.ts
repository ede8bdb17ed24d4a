import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { tempDir } from '@stowage/testing';
import { next, oldestOf, takes } from '../../release/siblings/caret.ts';
import { combinationsOf } from '../../release/siblings/matrix.ts';

// What judges a release and the documents must see what is wrong.

const checks = (name: string) => import(join(import.meta.dirname, '../../checks', name));

describe('links of documents', () => {
  test('that lead nowhere are told with their place, and no others', async () => {
    await using temp = await tempDir('links');
    await mkdir(join(temp.path, 'there'));
    await writeFile(
      join(temp.path, 'there/README.md'),
      '# There\n\n## `code`, and [a link](x) / more\n\n## Twice\n\n## Twice\n',
    );
    const good = [
      '[a](there) [b](there/README.md#there) [c](#here) [d](https://example.org/x#y) [e](there#twice-1)',
      '[f](there#code-and-a-link--more) `[no](link)`',
      '```md\n[no](link)\n```',
    ];
    const bad = ['[a](gone.md)', '[b](there#gone)', '[c](#gone) [d](../outside)', '[e]: there/gone'];
    await writeFile(join(temp.path, 'a.md'), `# Here\n\n${[...good, ...bad].join('\n')}\n`);
    const { badLinks } = await checks('links.mjs');
    expect(badLinks(temp.path, ['a.md'])).toEqual([
      'a.md:8: gone.md: there is no such file',
      'a.md:9: there#gone: there is no heading of that name in there/README.md',
      'a.md:10: #gone: there is no heading of that name in a.md',
      'a.md:10: ../outside: it leads out of the repository',
      'a.md:11: there/gone: there is no such file',
    ]);
  });
});

describe('a dry run of a release', () => {
  const manifests = new Map(
    Object.entries({
      '@x/core': { place: 'packages/core', manifest: { name: '@x/core', version: '0.1.0' } },
      '@x/store': {
        place: 'packages/store',
        manifest: { name: '@x/store', version: '0.1.0', peerDependencies: { '@x/core': '^0.1.0' } },
      },
    }),
  );
  const plans = { '@x/core': { kind: 'minor', texts: ['A new word.\nAnd more.'] } };
  const entry = (name: string, version: string, text: string) =>
    ` NX   Previewing an entry in packages/${name.slice(3)}/CHANGELOG.md for ${name}@${version}\n+ ${text}\n NX   next\n`;
  const told = [
    'packages/store/package.json: @x/core ^0.2.0\n',
    entry('@x/core', '0.2.0', 'A new word. And more.'),
    entry('@x/store', '0.1.1', 'Updated @x/core to 0.2.0'),
    'git tag --annotate @x/core@0.2.0 --message x\ngit tag --annotate @x/store@0.1.1 --message x\n',
  ];
  const judge = async (text: string, asked: object = plans): Promise<string[]> =>
    (await checks('release.mjs')).differences(new Map(Object.entries(asked)), manifests, text);

  test('that is as its plans say is good', async () => {
    expect(await judge(told.join(''))).toEqual([]);
  });

  test.each([
    ['another version', [/core@0\.2\.0/g, 'core@0.1.1'], '@x/core would be 0.1.1, not 0.2.0'],
    ['more than a fix of what no plan names', [/store@0\.1\.1/g, 'store@0.2.0'], 'but no plan names it'],
    ['no changelog', [/Previewing.*store@0\.1\.1/, ''], '@x/store would have no changelog for 0.1.1'],
    [
      'a changelog without what a plan says',
      [/A new word\./, ''],
      'the changelog of @x/core lacks: A new word.',
    ],
    ['no tags', [/git tag.*\n/g, ''], 'nothing would be tagged'],
    [
      'a range left behind',
      [/package\.json: @x\/core \^0\.2\.0/, ''],
      'packages/store would go on to need @x/core ^0.1.0',
    ],
  ] as const)('with %s is not', async (_, [what, instead], problem) => {
    expect((await judge(told.join('').replace(what, instead))).join('\n')).toContain(problem);
  });

  test('of a plan for what is no package is not', async () => {
    expect(await judge(told.join(''), { ...plans, '@x/gone': { kind: 'patch', texts: ['x'] } })).toEqual([
      'a plan names @x/gone, which is no package',
    ]);
  });
});

describe('ranges of siblings', () => {
  test.each([
    ['^0.1.2', '0.1.2', true],
    ['^0.1.2', '0.1.10', true],
    ['^0.1.2', '0.1.1', false],
    ['^0.1.2', '0.2.0', false],
    ['^1.2.3', '1.10.0', true],
    ['^1.2.3', '1.2.2', false],
    ['^1.2.3', '2.0.0', false],
    ['^0.0.3', '0.0.4', false],
  ])('%s takes %s: %s', (range, version, isIn) => {
    expect(takes(range, version)).toBe(isIn);
  });

  test('others than ^ are refused', () => {
    expect(() => oldestOf('>=1.0.0')).toThrow('range >=1.0.0');
    expect([next('0.1.2', 'break'), next('1.2.3', 'break'), next('0.1.2', 'fix')]).toEqual([
      '0.2.0',
      '2.0.0',
      '0.1.3',
    ]);
  });

  test('the newest goes with the oldest and the other way about; what breaks promises goes with neither', () => {
    const release = (version: string, range: string) =>
      new Map(
        ['@stowage/interface', '@stowage/store'].map((name) => {
          const peerDependencies = name.endsWith('store') ? { '@stowage/interface': range } : {};
          return [name, { place: name, manifest: { name, version, peerDependencies } }];
        }),
      );
    const releases = {
      now: release('0.1.0', '^0.1.0'),
      fix: release('0.1.1', '^0.1.0'),
      broken: release('0.2.0', '^0.2.0'),
    };
    const told = combinationsOf('@stowage/store', releases).map(
      ({ version, peers, fits }) => `${version} with ${peers}: ${fits}`,
    );
    expect(told).toEqual([
      '0.1.1 with @stowage/interface@0.1.0: true',
      '0.1.0 with @stowage/interface@0.1.1: true',
      '0.1.0 with @stowage/interface@0.2.0: false',
      '0.2.0 with @stowage/interface@0.1.0: false',
    ]);
    expect(combinationsOf('@stowage/interface', releases)).toEqual([]);
  });
});
