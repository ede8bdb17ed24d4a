import { createRegistry, type DescFile, type DescService, type Registry } from '@bufbuild/protobuf';
import {
  file_google_protobuf_any,
  file_google_protobuf_empty,
  file_google_protobuf_field_mask,
  file_google_protobuf_timestamp,
} from '@bufbuild/protobuf/wkt';
import { file_events_container } from './gen/events/container_pb.ts';
import { file_events_content } from './gen/events/content_pb.ts';
import { file_events_image } from './gen/events/image_pb.ts';
import { file_events_namespace } from './gen/events/namespace_pb.ts';
import { file_events_sandbox } from './gen/events/sandbox_pb.ts';
import { file_events_snapshot } from './gen/events/snapshot_pb.ts';
import { file_events_task } from './gen/events/task_pb.ts';
import { file_github_com_containerd_cgroups_cgroup1_stats_metrics } from './gen/github.com/containerd/cgroups/cgroup1/stats/metrics_pb.ts';
import { file_github_com_containerd_cgroups_cgroup2_stats_metrics } from './gen/github.com/containerd/cgroups/cgroup2/stats/metrics_pb.ts';
import { file_google_rpc_status } from './gen/google/rpc/status_pb.ts';
import { file_grpc_health_v1_health } from './gen/grpc/health/v1/health_pb.ts';
import { file_runtime_bootstrap_v1_bootstrap } from './gen/runtime/bootstrap/v1/bootstrap_pb.ts';
import { file_runtime_sandbox_v1_sandbox } from './gen/runtime/sandbox/v1/sandbox_pb.ts';
import { file_runtime_task_v2_shim } from './gen/runtime/task/v2/shim_pb.ts';
import { file_runtime_task_v3_shim } from './gen/runtime/task/v3/shim_pb.ts';
import { file_services_containers_v1_containers } from './gen/services/containers/v1/containers_pb.ts';
import { file_services_content_v1_content } from './gen/services/content/v1/content_pb.ts';
import { file_services_diff_v1_diff } from './gen/services/diff/v1/diff_pb.ts';
import { file_services_events_v1_events } from './gen/services/events/v1/events_pb.ts';
import { file_services_images_v1_images } from './gen/services/images/v1/images_pb.ts';
import { file_services_introspection_v1_introspection } from './gen/services/introspection/v1/introspection_pb.ts';
import { file_services_leases_v1_leases } from './gen/services/leases/v1/leases_pb.ts';
import { file_services_mounts_v1_mounts } from './gen/services/mounts/v1/mounts_pb.ts';
import { file_services_namespaces_v1_namespace } from './gen/services/namespaces/v1/namespace_pb.ts';
import { file_services_sandbox_v1_sandbox } from './gen/services/sandbox/v1/sandbox_pb.ts';
import { file_services_snapshots_v1_snapshots } from './gen/services/snapshots/v1/snapshots_pb.ts';
import { file_services_streaming_v1_streaming } from './gen/services/streaming/v1/streaming_pb.ts';
import { file_services_tasks_v1_tasks } from './gen/services/tasks/v1/tasks_pb.ts';
import { file_services_transfer_v1_transfer } from './gen/services/transfer/v1/transfer_pb.ts';
import { file_services_ttrpc_events_v1_events } from './gen/services/ttrpc/events/v1/events_pb.ts';
import { file_services_version_v1_version } from './gen/services/version/v1/version_pb.ts';
import { file_stowage_content_v1_verification } from './gen/stowage/content/v1/verification_pb.ts';
import { file_stowage_events_v1_events } from './gen/stowage/events/v1/events_pb.ts';
import { file_stowage_gc_v1_gc } from './gen/stowage/gc/v1/gc_pb.ts';
import { file_stowage_metadata_v1_metadata } from './gen/stowage/metadata/v1/metadata_pb.ts';
import { file_stowage_operations_v1_operations } from './gen/stowage/operations/v1/operations_pb.ts';
import { file_stowage_plugins_v1_plugins } from './gen/stowage/plugins/v1/plugins_pb.ts';
import { file_stowage_supervisor_v1_shim } from './gen/stowage/supervisor/v1/shim_pb.ts';
import { file_stowage_supervisor_v1_supervisor } from './gen/stowage/supervisor/v1/supervisor_pb.ts';
import { file_stowage_ttrpc_v1_headers } from './gen/stowage/ttrpc/v1/headers_pb.ts';
import { file_ttrpc_request } from './gen/ttrpc/request_pb.ts';
import { file_types_descriptor } from './gen/types/descriptor_pb.ts';
import { file_types_event } from './gen/types/event_pb.ts';
import { file_types_fieldpath } from './gen/types/fieldpath_pb.ts';
import { file_types_introspection } from './gen/types/introspection_pb.ts';
import { file_types_metrics } from './gen/types/metrics_pb.ts';
import { file_types_mount } from './gen/types/mount_pb.ts';
import { file_types_platform } from './gen/types/platform_pb.ts';
import { file_types_runc_options_oci } from './gen/types/runc/options/oci_pb.ts';
import { file_types_runtimeoptions_v1_api } from './gen/types/runtimeoptions/v1/api_pb.ts';
import { file_types_sandbox } from './gen/types/sandbox_pb.ts';
import { file_types_task_task } from './gen/types/task/task_pb.ts';
import { file_types_transfer_container } from './gen/types/transfer/container_pb.ts';
import { file_types_transfer_imagestore } from './gen/types/transfer/imagestore_pb.ts';
import { file_types_transfer_importexport } from './gen/types/transfer/importexport_pb.ts';
import { file_types_transfer_progress } from './gen/types/transfer/progress_pb.ts';
import { file_types_transfer_registry } from './gen/types/transfer/registry_pb.ts';
import { file_types_transfer_streaming } from './gen/types/transfer/streaming_pb.ts';

/** Every file, by path below `proto/`: the contract, and below `stowage/` what is Stowage's own. */
export const files: readonly DescFile[] = [
  file_events_container,
  file_events_content,
  file_events_image,
  file_events_namespace,
  file_events_sandbox,
  file_events_snapshot,
  file_events_task,
  file_github_com_containerd_cgroups_cgroup1_stats_metrics,
  file_github_com_containerd_cgroups_cgroup2_stats_metrics,
  file_google_rpc_status,
  file_grpc_health_v1_health,
  file_runtime_bootstrap_v1_bootstrap,
  file_runtime_sandbox_v1_sandbox,
  file_runtime_task_v2_shim,
  file_runtime_task_v3_shim,
  file_services_containers_v1_containers,
  file_services_content_v1_content,
  file_services_diff_v1_diff,
  file_services_events_v1_events,
  file_services_images_v1_images,
  file_services_introspection_v1_introspection,
  file_services_leases_v1_leases,
  file_services_mounts_v1_mounts,
  file_services_namespaces_v1_namespace,
  file_services_sandbox_v1_sandbox,
  file_services_snapshots_v1_snapshots,
  file_services_streaming_v1_streaming,
  file_services_tasks_v1_tasks,
  file_services_transfer_v1_transfer,
  file_services_ttrpc_events_v1_events,
  file_services_version_v1_version,
  file_stowage_content_v1_verification,
  file_stowage_events_v1_events,
  file_stowage_gc_v1_gc,
  file_stowage_metadata_v1_metadata,
  file_stowage_operations_v1_operations,
  file_stowage_plugins_v1_plugins,
  file_stowage_supervisor_v1_shim,
  file_stowage_supervisor_v1_supervisor,
  file_stowage_ttrpc_v1_headers,
  file_ttrpc_request,
  file_types_descriptor,
  file_types_event,
  file_types_fieldpath,
  file_types_introspection,
  file_types_metrics,
  file_types_mount,
  file_types_platform,
  file_types_runc_options_oci,
  file_types_runtimeoptions_v1_api,
  file_types_sandbox,
  file_types_task_task,
  file_types_transfer_container,
  file_types_transfer_imagestore,
  file_types_transfer_importexport,
  file_types_transfer_progress,
  file_types_transfer_registry,
  file_types_transfer_streaming,
];

/** Every service of the contract, those a shim serves included, and none of Stowage's own. */
export const services: readonly DescService[] = files
  .filter((file) => !file.name.startsWith('stowage/'))
  .flatMap((file) => file.services);

/**
 * Every message, enum and service of the contract, by full name, and the well-known types that they use.
 *
 * JSON of a message that holds an `Any` needs a registry that knows what is inside: pass this one to `toJson` and
 * `fromJson`. It does not know the payloads that travel as JSON bytes (`types.containerd.io/...`), which have no
 * Protobuf form.
 */
export const registry: Registry = createRegistry(
  file_google_protobuf_any,
  file_google_protobuf_empty,
  file_google_protobuf_field_mask,
  file_google_protobuf_timestamp,
  ...files,
);
