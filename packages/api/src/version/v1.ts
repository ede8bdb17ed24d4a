export * from '../gen/services/version/v1/version_pb.ts';
