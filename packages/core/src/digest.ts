import { createHash, type Hash } from 'node:crypto';
import { Fault } from './fault.ts';
import { quote } from './identifiers.ts';

/** `<algorithm>:<hex>`, checked. Made only by {@link parseDigest} and {@link digestOf}. */
export type Digest = `${DigestAlgorithm}:${string}` & { readonly '@stowage/digest': true };

/** The hash functions of the OCI image specification that are accepted here. */
export type DigestAlgorithm = 'sha256' | 'sha384' | 'sha512';

const HEX_LENGTH: Readonly<Record<DigestAlgorithm, number>> = { sha256: 64, sha384: 96, sha512: 128 };
const SHAPE = /^(sha256|sha384|sha512):([0-9a-f]+)$/;

/**
 * Checks a digest that somebody else wrote. What passes is safe to use in a path or a URL.
 *
 * @throws Fault `invalid_argument`
 * @see image-spec descriptor.md, "Digests"
 */
export function parseDigest(text: string): Digest {
  if (!isDigest(text)) {
    throw new Fault(
      'invalid_argument',
      `digest ${quote(text)} is not sha256, sha384 or sha512 in lower-case hex`,
    );
  }
  return text;
}

export function isDigest(text: string): text is Digest {
  const [, algorithm, hex] = SHAPE.exec(text) ?? [];
  return hex !== undefined && hex.length === HEX_LENGTH[algorithm as DigestAlgorithm];
}

export function algorithmOf(digest: Digest): DigestAlgorithm {
  return digest.slice(0, digest.indexOf(':')) as DigestAlgorithm;
}

export function hexOf(digest: Digest): string {
  return digest.slice(digest.indexOf(':') + 1);
}

/** Digest of bytes that are all here. */
export function digestOf(bytes: Uint8Array | string, algorithm: DigestAlgorithm = 'sha256'): Digest {
  return new Digester(algorithm).update(bytes).digest();
}

/** Digest of bytes as they come. */
export class Digester {
  readonly #algorithm: DigestAlgorithm;
  readonly #hash: Hash;
  #sizeBytes = 0n;

  constructor(algorithm: DigestAlgorithm = 'sha256') {
    this.#algorithm = algorithm;
    this.#hash = createHash(algorithm);
  }

  update(bytes: Uint8Array | string): this {
    this.#hash.update(bytes);
    this.#sizeBytes += BigInt(typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.byteLength);
    return this;
  }

  /** Bytes seen so far. */
  get sizeBytes(): bigint {
    return this.#sizeBytes;
  }

  /** Digest of what was seen so far; more may follow. */
  digest(): Digest {
    return `${this.#algorithm}:${this.#hash.copy().digest('hex')}` as Digest;
  }
}
