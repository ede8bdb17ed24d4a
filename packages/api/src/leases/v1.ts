export * from '../gen/services/leases/v1/leases_pb.ts';
