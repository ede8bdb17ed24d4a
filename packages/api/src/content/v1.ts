export * from '../gen/services/content/v1/content_pb.ts';
