export * from '../gen/events/image_pb.ts';
export * from '../gen/services/images/v1/images_pb.ts';
