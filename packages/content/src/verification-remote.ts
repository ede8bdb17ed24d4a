import type { Transport } from '@connectrpc/connect';
import { Verification } from '@stowage/api/verification/v1';
import type { Scope } from '@stowage/core';
import { rpcClient } from '@stowage/rpc';
import type { ContentVerifier } from './content-verifier.ts';
import { checkFromWire } from './verification-convert.ts';

/** The verifier of a daemon. @throws Fault `unimplemented` from one that has none, such as containerd. */
export function remoteVerifier(transport: Transport, scope?: Scope): ContentVerifier {
  const rpc = rpcClient(Verification, transport, scope);
  return {
    async *verify(digests = [], { signal } = {}) {
      for await (const { check } of rpc.verify({ digests: [...digests] }, { signal }))
        yield checkFromWire(check);
    },
    async *damaged({ signal } = {}) {
      for await (const { check } of rpc.listDamaged({}, { signal })) yield checkFromWire(check);
    },
  };
}
