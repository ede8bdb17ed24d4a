export * from '../gen/stowage/metadata/v1/metadata_pb.ts';
