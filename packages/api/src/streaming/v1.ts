export * from '../gen/services/streaming/v1/streaming_pb.ts';
