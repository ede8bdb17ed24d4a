export { MemorySnapshotter } from '@stowage/snapshots-conformance/memory';
export {
  addImage,
  type FakeClient,
  type FakeClientOptions,
  type FakeImage,
  fakeClient,
} from './fake-client.ts';
export { fakeDiffer } from './fake-differ.ts';
export { fakePlugins } from './fake-plugins.ts';
export {
  type FakeProcessContext,
  type FakeProgram,
  type FakePrograms,
  standardPrograms,
} from './fake-program.ts';
export { FakeRuntime, type FakeRuntimeOptions } from './fake-runtime.ts';
export { MemoryContentStore } from './memory-content-store.ts';
