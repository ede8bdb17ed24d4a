export * from './labels.ts';
export { RestartMonitor, type RestartMonitorOptions } from './monitor.ts';
export { isToStart, parsePolicy, type RestartPolicy, restartCount } from './policy.ts';
