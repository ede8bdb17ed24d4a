export * from '../gen/services/transfer/v1/transfer_pb.ts';
