export * from './image-store.ts';
export * from './record-image.ts';
