export * from './capabilities.ts';
export * from './compose.ts';
export * from './default-spec.ts';
export * from './image-config.ts';
export {
  withAnnotations,
  withCgroupMount,
  withCpus,
  withHostNamespace,
  withHostNetwork,
  withHostname,
  withMemory,
  withMounts,
  withNamespace,
  withPidsLimit,
  withRootfsPath,
  withRootfsReadonly,
} from './linux-options.ts';
export * from './privilege-options.ts';
export { overrideEnv, withArgs, withCwd, withEnv, withTty } from './process-options.ts';
export * from './spec.ts';
export { withUser } from './user.ts';
export { MAX_USER_FILE_BYTES, type UserFiles, type UserLookup } from './user-files.ts';
