import { beforeAll, expect, test } from '@jest/globals';
import { run } from '@stowage/testing';
import manifest from '../package.json' with { type: 'json' };
import { type ManualPage, manualPages } from '../src/manual.ts';
import { wholeProgram } from '../src/program.ts';

let pages: ManualPage[];
beforeAll(async () => {
  pages = manualPages(await wholeProgram());
});

test('there is a page for each command, and the package lists them', () => {
  expect(manifest.man).toEqual(pages.map(({ file }) => `./man/${file}`).sort());
  expect(manifest.man).toEqual(expect.arrayContaining(['./man/stowage.1', './man/stowage-image-convert.1']));
});

test('groff has nothing to say against them', async () => {
  const all = pages.map(({ text }) => text).join('');
  const { code, stdout, stderr } = await run('groff', ['-man', '-Tutf8', '-ww', '-P-cbou'], { input: all });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const text = stdout.replaceAll(/\s+/g, ' ');
  expect(text).toContain('-d, --detach let it run and print the container’s id');
  expect(text).toContain("stowage ps --format 'table {{.ID}}\\t{{.Status}}'");
  expect(text).toContain('SEE ALSO stowage-image(1)');
});

test('no line begins with what roff would take for a request', () => {
  for (const { file, text } of pages)
    for (const line of text.split('\n'))
      expect(`${file}: ${line}`).toMatch(/: ($|[^.'])|: \.(\\"|TH|SH|TP|B|BR|PP|nf|fi)( |$)/);
});
