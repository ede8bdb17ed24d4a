import { once } from 'node:events';
import { remoteVersion } from '@stowage/introspection/remote';
import { isLoopback, parseListenAddress, serveUi } from '@stowage/ui';
import { Command } from 'commander';
import type { UiFlags } from '../commands/ui.ts';
import type { GlobalOptions } from '../global-options.ts';
import { Interrupted, interruptible } from '../interrupt.ts';
import { openTransport } from '../transport.ts';
import { openBrowser } from './ui/browser.ts';
import { containerActions } from './ui/container-actions.ts';

/** Beside this tool, where it is bundled. */
const PAGE = new URL('./ui/', import.meta.url);

/** Serves the page until Ctrl-C. */
export async function ui(command: Command, flags: UiFlags): Promise<void> {
  const { namespace } = command.optsWithGlobals<GlobalOptions>();
  const listen = parseListenAddress(flags.listen);
  await using transport = openTransport(command);
  using interrupt = interruptible();
  const { signal } = interrupt;
  // A page that nothing is behind would say less clearly what is the matter.
  await remoteVersion(transport).version({ signal });
  const containers = containerActions(transport, ({ namespace: of }) => commandIn(command, of));
  await using server = await serveUi({ transport, listen, files: PAGE, containers, namespace });
  if (!isLoopback(listen.host))
    process.stderr.write(
      `stowage: ${listen.host} is reached from elsewhere, and it is plain HTTP: who is on the way can read along\n`,
    );
  process.stdout.write(`${server.url}\n`);
  process.stderr.write('Open that in a browser. Ctrl-C ends it.\n');
  await using _ = flags.open ? await openBrowser(server.url) : undefined;
  if (!signal.aborted) await once(signal, 'abort');
  // That is how it ends well.
  if (!Interrupted.is(signal.reason)) throw signal.reason;
}

/** The same command, as if it had been given for another namespace. */
function commandIn(command: Command, namespace: string): Command {
  const other = new Command();
  const options = { ...command.optsWithGlobals<GlobalOptions>(), namespace };
  for (const [name, value] of Object.entries(options)) other.setOptionValue(name, value);
  return other;
}
