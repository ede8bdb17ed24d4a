/** What containerd-shim loads when it has more to do than to tell an address. */

export { shimInfo, shimVersion } from './shim/about.ts';
export { removeTask } from './shim/remove-task.ts';
export { startSupervisor } from './shim/start-supervisor.ts';
