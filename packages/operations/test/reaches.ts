import type { Scope } from '@stowage/core';
import type { OperationService, Operations } from '@stowage/operations';
import { type LocalOperationsOptions, localOperations } from '@stowage/operations/local';
import { remoteOperations } from '@stowage/operations/remote';
import { operationRoutes } from '@stowage/operations/service';
import { listen } from '@stowage/rpc/server';
import { memoryTransport, unixTransport } from '@stowage/rpc/transport';
import { tempDir } from '@stowage/testing';

/** The operations of one process, and how others reach them. */
export interface House extends AsyncDisposable {
  readonly local: Operations;
  scope(scope: Scope): OperationService;
}

/** The forms that the service has. */
export const reaches: ReadonlyArray<readonly [string, (options?: LocalOperationsOptions) => Promise<House>]> =
  [
    ['in process', async (options) => house(localOperations(options))],
    [
      'over Connect in memory',
      async (options) => {
        const local = localOperations(options);
        const transport = memoryTransport(operationRoutes((scope) => local.scope(scope)));
        return house(local, (scope) => remoteOperations(transport, scope));
      },
    ],
    [
      'over a socket',
      async (options) => {
        const local = localOperations(options);
        const dir = await tempDir('operations');
        const address = { path: `${dir.path}/s` };
        const server = await listen({ address, routes: [operationRoutes((scope) => local.scope(scope))] });
        const transport = unixTransport(address.path);
        const made = house(local, (scope) => remoteOperations(transport, scope));
        return {
          ...made,
          async [Symbol.asyncDispose]() {
            await transport[Symbol.asyncDispose]();
            await server[Symbol.asyncDispose]();
            await dir[Symbol.asyncDispose]();
          },
        };
      },
    ],
  ];

function house(local: Operations, scope = (scope: Scope) => local.scope(scope)): House {
  return { local, scope, async [Symbol.asyncDispose]() {} };
}
