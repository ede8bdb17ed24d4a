import { readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import { printDefaultConfig } from '../src/config/print.ts';
import { builtinPlugins } from '../src/plugins.ts';

test('the README shows the config as it is printed', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  const [, shown] = /```toml\n(.*?)```/s.exec(readme) ?? [];
  expect(shown).toBe(printDefaultConfig(builtinPlugins));
});
