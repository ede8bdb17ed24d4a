export * from '../gen/stowage/content/v1/verification_pb.ts';
