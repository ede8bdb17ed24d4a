export { type CompressionLevels, compressed } from './compress.ts';
export { type Compression, compressionOf, inflated, MAGIC_BYTES } from './inflate.ts';
