import { create } from '@bufbuild/protobuf';
import {
  DescriptorSchema,
  MountSchema,
  PlatformSchema,
  type Descriptor as WireDescriptor,
  type Mount as WireMount,
  type Platform as WirePlatform,
} from '@stowage/api/types';
import { type Descriptor, Fault, type Mount, type Platform, parseDigest } from '@stowage/core';

/** @throws Fault `invalid_argument` if it is not set or its digest is malformed. */
export function descriptorFromWire(wire: WireDescriptor | undefined, what = 'descriptor'): Descriptor {
  if (wire === undefined) throw new Fault('invalid_argument', `${what} is required`);
  const { mediaType, digest, size, annotations } = wire;
  return {
    mediaType,
    digest: parseDigest(digest),
    size,
    ...(Object.keys(annotations).length > 0 && { annotations }),
  };
}

export function descriptorToWire({ mediaType, digest, size, annotations }: Descriptor): WireDescriptor {
  return create(DescriptorSchema, { mediaType, digest, size, annotations: { ...annotations } });
}

export function mountFromWire({ type, source, target, options }: WireMount): Mount {
  return { type, source, target, options };
}

export function mountToWire({ type, source, target, options }: Mount): WireMount {
  return create(MountSchema, { type, source, target: target ?? '', options: [...options] });
}

export function platformFromWire(wire: WirePlatform): Platform {
  const { os, architecture, variant, osVersion, osFeatures } = wire;
  return {
    ...{ os, architecture },
    ...(variant !== '' && { variant }),
    ...(osVersion !== '' && { osVersion }),
    ...(osFeatures.length > 0 && { osFeatures }),
  };
}

export function platformToWire(platform: Platform): WirePlatform {
  const { os, architecture, variant = '', osVersion = '', osFeatures = [] } = platform;
  return create(PlatformSchema, { os, architecture, variant, osVersion, osFeatures: [...osFeatures] });
}
