/** The images of CRIU in a tar archive. */
export const CHECKPOINT_MEDIA_TYPE = 'application/vnd.containerd.container.criu.checkpoint.criu.tar';
/** The container's spec, as bytes of `google.protobuf.Any`. */
export const CHECKPOINT_SPEC_MEDIA_TYPE = 'application/vnd.containerd.container.checkpoint.config.v1+proto';
