export type { OnProgress, Progress } from '@stowage/oci-image';
export {
  Client,
  type ClientOptions,
  type CreateContainerOptions,
  connect,
  type PullOptions,
} from './client.ts';
export { ContainerHandle, type CreateTaskOptions } from './container.ts';
export { ImageHandle, type UnpackOptions } from './image.ts';
export type { LeaseHandle, LeaseOptions } from './lease.ts';
export { type Ownership, ProcessHandle } from './process-handle.ts';
export type { IoOptions } from './process-io.ts';
export type { Services } from './services.ts';
export { type ExecOptions, TaskHandle } from './task.ts';
