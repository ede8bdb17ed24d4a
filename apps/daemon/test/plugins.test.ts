import { expect, test } from '@jest/globals';
import { parse } from 'smol-toml';
import { parseConfig } from '../src/config/load.ts';
import { printDefaultConfig } from '../src/config/print.ts';
import { planOf } from '../src/daemon.ts';
import { builtinPlugins } from '../src/plugins.ts';

const named = builtinPlugins.map((plugin) => [`${plugin.slot.type}.${plugin.id}`, plugin] as const);

test.each(named)('%s: the settings it prints are those it has without any', (_, plugin) => {
  const { config = () => undefined, defaults = {} } = plugin;
  expect(config(defaults)).toEqual(config({}));
});

test.each(named)('%s: a setting that it does not know is refused by name', (_, { config }) => {
  expect(() => config?.({ no_such_setting: 1 })).toThrow(
    expect.objectContaining({
      kind: 'invalid_argument',
      message: expect.stringContaining('no_such_setting'),
    }),
  );
});

test('the printed config is one that the daemon accepts, without a warning', async () => {
  const table = parse(printDefaultConfig(builtinPlugins));
  const config = parseConfig(table, 'printed');
  const { resolve, warnings } = await planOf(config);
  expect([...config.ignored, ...warnings]).toEqual([]);
  expect(resolve().length).toBe(builtinPlugins.length + 2);
});
