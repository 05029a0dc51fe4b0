/** The name of the comm's target, and the id of the one comm that a kernel has; see sso_magic/notebook/identity_comm.py. */
export const COMM = "sso_magic.identity";

/** Seconds before an end that does not renew at which the warning color begins. */
const WARNING_SECONDS = 300;

/** The role in use in a kernel, as its comm describes it. */
export interface Role {
  account_id: string;
  account_name: string | null;
  role_name: string;
  region: string | null;
  expires_at: string;
  seconds_left: number;
  renews: boolean;
  production: boolean;
}

/** What a kernel that has loaded sso_magic says: the role in use, and the label of the previous one. */
export interface Identity {
  role: Role | null;
  previous: string | null;
  /** True if cells that ran in production are to be marked. */
  edge: boolean;
}

/** What the status bar shows. */
export interface Shown {
  text: string;
  title: string;
  state: "none" | "role" | "unknown";
  production: boolean;
  warning: boolean;
}

type Values = Record<string, unknown>;

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || isText(value);
}

function parseRole(value: unknown): Role | null | undefined {
  if (value === null) {
    return null;
  }
  if (typeof value !== "object") {
    return undefined;
  }
  const { account_id, account_name, role_name, region, expires_at, seconds_left, renews, production } =
    value as Values;
  if (
    !isText(account_id) ||
    !isTextOrNull(account_name) ||
    !isText(role_name) ||
    !isTextOrNull(region) ||
    !isText(expires_at) ||
    typeof seconds_left !== "number" ||
    typeof renews !== "boolean" ||
    typeof production !== "boolean"
  ) {
    return undefined;
  }
  return { account_id, account_name, role_name, region, expires_at, seconds_left, renews, production };
}

/**
 * Return what a message of the comm says; null if the kernel has unloaded sso_magic, undefined if the message has
 * another form, as one of a newer version may.
 */
export function parse(data: unknown): Identity | null | undefined {
  if (typeof data !== "object" || data === null) {
    return undefined;
  }
  const { loaded, role, previous, edge } = data as Values;
  if (loaded === false) {
    return null;
  }
  const parsed = parseRole(role);
  if (loaded !== true || parsed === undefined || !isTextOrNull(previous)) {
    return undefined;
  }
  return { role: parsed, previous, edge: edge === true };
}

/** Format a duration in seconds as the magics do: `55 min`. */
export function span(seconds: number): string {
  const left = Math.max(0, Math.round(seconds));
  const minutes = Math.round(left / 60);
  if (left < 60) {
    return `${left} s`;
  }
  if (minutes < 100) {
    return `${minutes} min`;
  }
  if (minutes < 48 * 60) {
    return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
  }
  return `${Math.round(minutes / 60 / 24)} days`;
}

/**
 * Describe the role in use.
 *
 * @param identity - What the kernel said last.
 * @param age - Seconds since it said so.
 * @param where - The notebook and its kernel, for the tooltip.
 * @param connected - False while messages of the kernel may be missing.
 */
export function describe(identity: Identity, age: number, where: string, connected: boolean): Shown {
  const { role } = identity;
  const plain = { production: false, warning: false };
  if (!connected) {
    return {
      ...plain,
      text: "AWS: not connected",
      title: `The connection to the kernel is interrupted. ${where}`,
      state: "unknown",
    };
  }
  if (role === null) {
    return { ...plain, text: "AWS: no role", title: `No AWS role is in use. ${where}`, state: "none" };
  }
  const left = role.seconds_left - age;
  const account = role.account_name ?? role.account_id;
  const parts = [`${account} / ${role.role_name}`];
  if (role.region !== null) {
    parts.push(role.region);
  }
  parts.push(left > 0 ? span(left) : "ended");
  const title = [
    `${role.production ? "Production. " : ""}${account} (${role.account_id}) / ${role.role_name}.`,
    `Valid until ${new Date(role.expires_at).toLocaleString()}.`,
    role.renews ? "Renews automatically." : "The credentials are not renewed. Run %sso_login.",
    where,
  ];
  return {
    text: (role.production ? "PRODUCTION " : "") + parts.join(" · "),
    title: title.join(" "),
    state: "role",
    production: role.production,
    warning: left <= 0 || (!role.renews && left <= WARNING_SECONDS),
  };
}

/** Return the label of the role in use if it is production and cells are to be marked; else null. */
export function productionLabel(identity: Identity | null): string | null {
  const role = identity?.role;
  if (!identity?.edge || !role?.production) {
    return null;
  }
  const account = role.account_name === null ? role.account_id : `${role.account_name} (${role.account_id})`;
  return `${account} / ${role.role_name}`;
}

/** What can be done about a cell's error: a magic, after which the cell runs again. */
export interface Offer {
  label: string;
  magic: string;
}

const OFFERS = new Map<unknown, string>([
  ["sign-in", "Sign in and run again"],
  ["expired", "Renew and run again"],
  ["not-assigned", "Refresh the roles and run again"],
]);

/** Return the offer that a message of the comm has; undefined if it has none that is known. */
export function parseOffer(data: unknown): Offer | undefined {
  const { kind, magic } = ((data as Values | null | undefined)?.offer as Values | null | undefined) ?? {};
  const label = OFFERS.get(kind);
  return label !== undefined && isText(magic) && /^%sso_(login|inventory)( .*)?$/.test(magic)
    ? { label, magic }
    : undefined;
}

/** A role that a cell ran as, as it is kept in the cell's metadata. */
export interface RanAs {
  account_id: string;
  role_name: string;
  at: string;
}

/** Return the record of a cell that a message of the comm has; undefined if it has none. */
export function parseRecord(data: unknown): RanAs[] | undefined {
  const found = (data as Values | null | undefined)?.ran_as;
  if (!Array.isArray(found)) {
    return undefined;
  }
  const roles: RanAs[] = [];
  for (const one of found as (Values | null)[]) {
    const { account_id, role_name, at } = one ?? {};
    if (!isText(account_id) || !isText(role_name) || !isText(at)) {
      return undefined;
    }
    roles.push({ account_id, role_name, at });
  }
  return roles;
}

/** The role that a notebook is pinned to, as it is kept in the notebook's metadata; see sso_magic/notebook/pin.py. */
export interface Pin {
  account: string;
  role: string;
  region: string | null;
  at: string;
}

/** Return the pin that a message of the comm has; undefined if it has none. */
export function parsePin(data: unknown): Pin | undefined {
  const found = (data as Values | null | undefined)?.pin as Values | null | undefined;
  const { account, role, region, at } = found ?? {};
  return isText(account) && isText(role) && isTextOrNull(region) && isText(at)
    ? { account, role, region, at }
    : undefined;
}
