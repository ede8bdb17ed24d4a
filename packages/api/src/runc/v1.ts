export * from '../gen/types/runc/options/oci_pb.ts';
