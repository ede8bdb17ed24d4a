/** Starts a command's bundle on a Node that is new enough: this one, or the one that a checkout pins. */
export function launch(bundle: URL): Promise<void>;
