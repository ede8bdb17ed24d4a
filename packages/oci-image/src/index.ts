export { MAX_ARCHIVE_JSON_BYTES } from './archive-files.ts';
export {
  type ImportedImage,
  type ImportOptions,
  importArchive,
  type ReadArchive,
  readArchive,
} from './archive-read.ts';
export { ANNOTATION, type ArchiveImage, type ArchiveOptions, writeArchive } from './archive-write.ts';
export * from './build.ts';
export * from './chain-ids.ts';
export { type CheckOptions, checkImage, type ManifestCheck } from './check-image.ts';
export { type ChosenManifest, chooseManifest } from './choose.ts';
export { type CommitImageOptions, commitImage } from './commit-image.ts';
export { type ConvertedImage, type ConvertOptions, convertImage } from './convert-image.ts';
export type { ConversionStore } from './convert-layer.ts';
export * from './documents.ts';
export { type BlobDownloads, Download, Downloads, type FollowedDownload } from './downloads.ts';
export type { BlobSource } from './fetch-blob.ts';
export { type FetchedImage, type FetchImageOptions, fetchImage, LayerFetches } from './fetch-image.ts';
export { fetchMetadata, type MetadataOptions } from './fetch-metadata.ts';
export * from './fetcher.ts';
export type { ImagePart } from './image-part.ts';
export { type ImageUsage, imageUsage, type Share, type UsageOptions, type UsedImage } from './image-usage.ts';
export { ImageWalk, type Walked, type WalkOptions } from './image-walk.ts';
export type { LayerFile, LayerSource } from './layer-files.ts';
export { type ContentKind, isForeign, kindOf, refOf } from './media-types.ts';
export { parseConfig, parseIndex, parseManifest } from './parse.ts';
export * from './progress.ts';
export { type ImageUser, type PruneOptions, pruneImages } from './prune-images.ts';
export * from './pull-image.ts';
export { type PushedImage, type PushImageOptions, pushImage } from './push-image.ts';
export { type Sendable, type SendOptions, sendImage } from './push-send.ts';
export type { Pusher, PusherOptions } from './pusher.ts';
export * from './read.ts';
export * from './unpack.ts';
