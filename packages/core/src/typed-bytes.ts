/**
 * A value in somebody else's encoding: containerd's Any. The type URL tells the encoding: a bare protobuf
 * name such as `containerd.runc.v1.Options` means protobuf bytes; `types.containerd.io/opencontainers/
 * runtime-spec/1/Spec` and its siblings mean JSON bytes (containerd typeurl).
 */
export interface TypedBytes {
  readonly typeUrl: string;
  readonly value: Uint8Array;
}

const JSON_PREFIX = 'types.containerd.io/';

export const TYPE_URL = {
  spec: `${JSON_PREFIX}opencontainers/runtime-spec/1/Spec`,
  process: `${JSON_PREFIX}opencontainers/runtime-spec/1/Process`,
  linuxResources: `${JSON_PREFIX}opencontainers/runtime-spec/1/LinuxResources`,
  features: `${JSON_PREFIX}opencontainers/runtime-spec/1/features/Features`,
} as const;

export function isJsonType(typeUrl: string): boolean {
  return typeUrl.startsWith(JSON_PREFIX);
}

/** Wraps a JSON value under one of containerd's JSON type URLs. */
export function jsonBytes(typeUrl: string, value: unknown): TypedBytes {
  return { typeUrl, value: new TextEncoder().encode(JSON.stringify(value)) };
}
