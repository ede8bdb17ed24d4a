import { Verification } from '@stowage/api/verification/v1';
import { parseDigest, type Scoped } from '@stowage/core';
import { type Routes, scopeOf, serviceRoutes } from '@stowage/rpc';
import type { ContentVerifier } from './content-verifier.ts';
import { checkToWire } from './verification-convert.ts';

/** The service end of stowage.content.v1: translates. */
export function verificationRoutes(verifier: Scoped<ContentVerifier>): Routes {
  return serviceRoutes(Verification, {
    async *verify({ digests }, context) {
      const { signal } = context;
      const scoped = verifier(scopeOf(context));
      for await (const check of scoped.verify(digests.map(parseDigest), { signal }))
        yield { check: checkToWire(check) };
    },
    async *listDamaged(_, context) {
      const { signal } = context;
      for await (const check of verifier(scopeOf(context)).damaged({ signal }))
        yield { check: checkToWire(check) };
    },
  });
}
