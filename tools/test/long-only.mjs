/**
 * Test files of the long form alone: each takes long, and few changes touch what it proves. With STOWAGE_LONG=1 they run,
 * one by one too.
 */
export const longOnly = [
  // The short form has hostile layers by the hundred in a script of its own, beside hostile/self and whiteouts.
  'packages/diff/test/hostile/(bounds|named|peer|racing)',
  'packages/diff/test/(pack-hostile|pack-random|threads)',
  'packages/metadata/test/gc-crash',
  'packages/mount-manager/test/(conformance|crash)',
  'packages/rpc/test/limits',
  // The short form keeps lifecycle, exec, stdio, terminal, control, undoing and the like.
  'packages/runtime-runc/test/(cgroups|conformance|exits|groups|handover|hung-runtime|logging)',
  'packages/runtime-runc/test/(slow-readers|streams|survival|upgrade|upgrade-rounds)',
  'packages/runtime-shim/test/(recorded|sandbox|sandbox-survival|survival)',
  'packages/snapshots-conformance/test/(command|mutants)',
  // The short form plays the kit with the overlay itself, and calls of every kind over Connect in snapshots and integration.
  'packages/snapshotter-overlay/test/conformance-remote',
  'packages/streaming/test/wire',
  // Of the commands the short form keeps cli, cli-content, cli-embedded, cli-failures, cli-gc, cli-pull and cli-ui.
  'tools/integration/test/cli-(containerd|files|image|lifecycle|logs|names|push|run-options|session|system|terminal)',
  // In shells that the short form does not install.
  'tools/integration/test/cli-completion',
  // runtime-conformance plays the states with each runtime; this holds every call in each of them against containerd.
  'tools/integration/test/task-states',
  'tools/integration/test/(containerd-shim|sandbox-controller|shim-runtime|tarball)',
  // The cases of client-daemon against the two other servers.
  'tools/integration/test/client-(containerd|embedded)',
  // Minutes of npm.
  'tools/integration/test/(npm-plugins|packages-alone)',
  // With other people's programs, each of which the short form has somewhere else.
  'tools/integration/test/(filters-containerd|operations|operator|shared-pulls|transfer|tutorial)',
  'tools/integration/test/(proxied-by-containerd|proxied-content-by-containerd|proxy-to-containerd)',
  'tools/integration/test/(proxied-snapshots-conformance|round-trips)',
  // Kits at sockets, side by side with containerd, and large blobs.
  'tools/integration/test/((content|snapshots|metadata)-conformance|large-blobs)',
  // In a browser, which the short form does not install.
  'tools/integration/test/(ui|ui-access)',
].map((path) => `/${path}\\.test\\.ts$`);
