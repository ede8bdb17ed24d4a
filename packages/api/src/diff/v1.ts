export * from '../gen/services/diff/v1/diff_pb.ts';
