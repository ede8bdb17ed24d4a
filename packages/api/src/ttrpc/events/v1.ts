export * from '../../gen/services/ttrpc/events/v1/events_pb.ts';
