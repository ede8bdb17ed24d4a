import type { Transport } from '@connectrpc/connect';
import { Client } from '@stowage/client';
import type { Scope, Scoped } from '@stowage/core';
import type { ContainerActions } from '@stowage/ui';
import type { Command } from 'commander';
import { autoRemove } from '../auto-remove.ts';
import { removeContainer } from '../remove-container.ts';
import { startDetached } from '../start.ts';
import { stopContainer } from '../stop.ts';

/** What `stowage start`, `stop` and `rm` do, for the page. @param commandOf - tells a namespace's directories. */
export function containerActions(transport: Transport, commandOf: Scoped<Command>): Scoped<ContainerActions> {
  return (scope: Scope) => {
    const client = new Client(transport, scope);
    const command = commandOf(scope);
    return {
      start: (id, options) => startDetached(command, client, id, options),
      async stop(id, options) {
        await stopContainer(client, id, {}, options);
        await autoRemove(command, client, id, options);
      },
      remove: (id, options) => removeContainer(command, client, id, options),
    };
  };
}
