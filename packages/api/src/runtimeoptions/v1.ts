export * from '../gen/types/runtimeoptions/v1/api_pb.ts';
