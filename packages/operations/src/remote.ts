import type { Transport } from '@connectrpc/connect';
import { Operations } from '@stowage/api/operations/v1';
import type { Scope } from '@stowage/core';
import { rpcClient } from '@stowage/rpc';
import { changeFromWire, operationFromWire, positionToWire } from './convert.ts';
import type { OperationService } from './operations.ts';
import { RemoteOperation } from './remote-operation.ts';

/**
 * The operations of a daemon and its clients. Calls to a daemon without the service, as containerd is, are
 * `unimplemented`. To `begin` needs a transport that goes both ways at once: gRPC.
 */
export function remoteOperations(transport: Transport, scope: Scope): OperationService {
  const rpc = rpcClient(Operations, transport, scope);
  return {
    async *list(filters = [], { signal } = {}) {
      for await (const { operations } of rpc.list({ filters: [...filters] }, { signal }))
        yield* operations.map(operationFromWire);
    },
    async *subscribe({ after, filters = [], signal } = {}) {
      const request = { filters: [...filters], ...(after !== undefined && { after: positionToWire(after) }) };
      for await (const wire of rpc.subscribe(request, { signal })) {
        const change = changeFromWire(wire);
        if (change !== undefined) yield change;
      }
    },
    async cancel(id, { signal } = {}) {
      await rpc.cancel({ id }, { signal });
    },
    async begin(operation, { signal } = {}) {
      signal?.throwIfAborted();
      return await RemoteOperation.begin(
        (messages, kill) => rpc.report(messages, { signal: kill }),
        operation,
        signal,
      );
    },
  };
}
