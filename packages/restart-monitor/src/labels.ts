/** Labels of a container that say whether it is to be started again. @see containerd core/runtime/restart/restart.go */
export const RESTART_LABEL = {
  /** What it ought to be: `running` or `stopped`. Without it nobody looks after the container. */
  status: 'containerd.io/restart.status',
  /** `no`, `always` (as without the label), `unless-stopped`, `on-failure` or `on-failure:<times>`. */
  policy: 'containerd.io/restart.policy',
  /** How often it was started again, decimal. */
  count: 'containerd.io/restart.count',
  /** `true` once somebody stopped it, for `unless-stopped`. */
  explicitlyStopped: 'containerd.io/restart.explicitly-stopped',
  /** Where its output goes when it is started again: as `stdout` of a task. Default: nowhere. */
  logUri: 'containerd.io/restart.loguri',
  /** The same as a path, as clients before containerd 1.5 set it. */
  logPath: 'containerd.io/restart.logpath',
} as const;
