/**
 * Test files of the long form alone: each takes long, and few changes touch what it proves. With STOWAGE_LONG=1 they run,
 * one by one too.
 */
export const longOnly = [
  'packages/diff/test/hostile/racing',
  'packages/diff/test/pack-random',
  'packages/mount-manager/test/(conformance|crash)',
  'packages/runtime-runc/test/(cgroups|conformance|exits|groups|handover|hung-runtime|logging)',
  'packages/runtime-runc/test/(slow-readers|streams|upgrade|upgrade-rounds)',
  'packages/runtime-shim/test/(recorded|sandbox|sandbox-survival)',
  'packages/snapshots-conformance/test/mutants',
  // The short form plays the kit with the overlay itself, and calls of every kind over Connect in snapshots and integration.
  'packages/snapshotter-overlay/test/conformance-remote',
  'packages/streaming/test/wire',
  // Of the commands the short form keeps cli, cli-pull, cli-content, cli-gc, cli-failures, cli-terminal and cli-embedded.
  'tools/integration/test/cli-(containerd|files|image|lifecycle|logs|names|push|run-options|session|system)',
  // runtime-conformance plays the states with each runtime; this holds every call in each of them against containerd.
  'tools/integration/test/task-states',
  'tools/integration/test/(containerd-shim|sandbox-controller|tarball)',
  // The cases of client-daemon against the two other servers.
  'tools/integration/test/client-(containerd|embedded)',
  // Minutes of npm.
  'tools/integration/test/(npm-plugins|packages-alone)',
  'tools/integration/test/(proxied-snapshots-conformance|round-trips)',
  // Kits at sockets, side by side with containerd, and large blobs.
  'tools/integration/test/((content|snapshots|metadata)-conformance|large-blobs)',
  // In shells that the short form does not install.
  'tools/integration/test/cli-completion',
  // In a browser, which the short form does not install.
  'tools/integration/test/(ui|ui-access)',
].map((path) => `/${path}\\.test\\.ts$`);
