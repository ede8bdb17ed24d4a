import type { OnProgress, Progress } from '@stowage/oci-image';

/** How much of an archive was read or written. */
export interface ArchiveProgress {
  readonly stage: 'read' | 'write';
  readonly bytes: bigint;
}

export const blobPart = ({ stage, descriptor }: Progress): string => `${stage} ${descriptor.digest}`;

export const archivePart = ({ stage }: ArchiveProgress): string => stage;

/** The same options, with one more that is told. */
export function toldToo<O extends { readonly onProgress?: OnProgress | undefined }>(
  options: O,
  tell: OnProgress,
): O {
  const onProgress: OnProgress = (progress) => {
    tell(progress);
    options.onProgress?.(progress);
  };
  return { ...options, onProgress };
}

/** The same bytes; told is how many have gone by. */
export async function* counted(
  bytes: AsyncIterable<Uint8Array>,
  onBytes: (sum: bigint) => void,
): AsyncGenerator<Uint8Array> {
  let sum = 0n;
  for await (const chunk of bytes) {
    yield chunk;
    sum += BigInt(chunk.byteLength);
    onBytes(sum);
  }
}
