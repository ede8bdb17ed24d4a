export * from '../gen/services/containers/v1/containers_pb.ts';
