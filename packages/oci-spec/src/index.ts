export * from './apparmor-options.ts';
export * from './block-io.ts';
export * from './capabilities.ts';
export * from './cdi-options.ts';
export type { CdiOptions } from './cdi-registry.ts';
export * from './cgroup-options.ts';
export * from './compose.ts';
export * from './default-spec.ts';
export {
  type DeviceRequest,
  parseDevice,
  withDeviceRules,
  withDevices,
  withHostDevices,
} from './device-options.ts';
export * from './hook-options.ts';
export { type DeviceLookup, type HostDevice, hostDevices } from './host-devices.ts';
export * from './image-config.ts';
export { parseRlimit, withOomScoreAdj, withRlimits, withSysctls } from './limit-options.ts';
export {
  withAnnotations,
  withCgroupMount,
  withCpus,
  withDomainname,
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
export * from './mount-forms.ts';
export * from './mount-options.ts';
export * from './privilege-options.ts';
export { overrideEnv, withArgs, withCwd, withEnv, withTty } from './process-options.ts';
export * from './resource-options.ts';
export { rootfsUserLookup } from './rootfs-users.ts';
export * from './seccomp-options.ts';
export { type DefaultSeccompOptions, defaultSeccomp } from './seccomp-profile.ts';
export * from './spec.ts';
export { withAdditionalGroups, withUser } from './user.ts';
export { MAX_USER_FILE_BYTES, type UserFiles, type UserLookup } from './user-files.ts';
export {
  parseIdMappings,
  withRootless,
  withUserNamespace,
  withUserNamespacePath,
} from './user-namespace.ts';
