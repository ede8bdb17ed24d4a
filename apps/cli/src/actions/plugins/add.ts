import { resolve } from 'node:path';
import { Fault, quote } from '@stowage/core';
import type { Command } from 'commander';
import type { AddPluginFlags } from '../../commands/plugins.ts';
import { open } from '../../connection.ts';
import { interruptible } from '../../interrupt.ts';
import { ifSupported } from './unsupported.ts';

/** The daemon may have another working directory than this shell, so the address is made absolute here. */
export async function addPlugin(command: Command, name: string, flags: AddPluginFlags): Promise<void> {
  const { type, address, platform, capability: capabilities } = flags;
  const plugin = {
    name,
    type,
    address: address === '' ? '' : resolve(address.replace(/^unix:\/\//, '')),
    platform,
    capabilities,
    exports: exportsOf(flags.export),
  };
  await using client = open(command);
  using interrupt = interruptible();
  await ifSupported(client.services.proxyPlugins.add(plugin, { signal: interrupt.signal }));
  process.stdout.write(`${name}\n`);
}

function exportsOf(texts: readonly string[]): Record<string, string> {
  const exports: Record<string, string> = Object.create(null);
  for (const text of texts) {
    const equals = text.indexOf('=');
    if (equals < 1) throw new Fault('invalid_argument', `--export ${quote(text)}: expected key=value`);
    exports[text.slice(0, equals)] = text.slice(equals + 1);
  }
  return exports;
}
