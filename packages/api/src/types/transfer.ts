export * from '../gen/types/transfer/container_pb.ts';
export * from '../gen/types/transfer/imagestore_pb.ts';
export * from '../gen/types/transfer/importexport_pb.ts';
export * from '../gen/types/transfer/progress_pb.ts';
export * from '../gen/types/transfer/registry_pb.ts';
export * from '../gen/types/transfer/streaming_pb.ts';
