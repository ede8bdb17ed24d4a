import { LOG_LABEL } from '@stowage/client/logs';

/** What this tool notes on the containers that it makes. */
export const CLI_LABEL = {
  /** URI of the log that its output goes to while nobody stays with it. */
  log: LOG_LABEL,
  /** `open`: it is given an input although nobody stays with it. */
  stdin: 'stowage.cli/stdin',
  /** `true`: it goes when it has ended and this tool learns of it. */
  autoRemove: 'stowage.cli/auto-remove',
  /** How long a stop waits, in seconds. */
  stopTimeout: 'stowage.cli/stop-timeout',
} as const;
