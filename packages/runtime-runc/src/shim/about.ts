import { create, toBinary } from '@bufbuild/protobuf';
import { RuntimeInfoSchema } from '@stowage/api/types';
import { anyOf } from '@stowage/rpc';
import { runtimeInfo } from '../daemon/runtime-info.ts';
import { VERSION } from '../version.ts';

export const RUNTIME_NAME = 'io.containerd.stowage.v1';

/** As containerd's own shims print it. */
export async function shimVersion(): Promise<string> {
  return `containerd-shim-stowage-v1:\n  Version:  ${VERSION}\n  Node version: ${process.version}\n`;
}

/** `containerd.types.RuntimeInfo`: this shim, and the features of its runc. */
export async function shimInfo(): Promise<Uint8Array> {
  const { version, revision, annotations, features } = await runtimeInfo(RUNTIME_NAME, 'runc');
  const info = create(RuntimeInfoSchema, {
    name: RUNTIME_NAME,
    version: { version: VERSION },
    annotations: {
      ...annotations,
      'stowage.dev/runc.version': version,
      'stowage.dev/runc.revision': revision,
    },
    ...(features && { features: anyOf(features) }),
  });
  return toBinary(RuntimeInfoSchema, info);
}
