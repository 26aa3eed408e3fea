// Names and patterns of names. A name is compared in the form that netstack's DNS gives it: lower case, no last dot, A-labels.
// In a pattern `*` alone stands for every name, a first label `*` for one or more labels, and `*` within a label for any text.

export interface DomainPattern {
  readonly text: string;
  /** Labels from the right; a `*` that stands for several is not among them. */
  readonly labels: readonly string[];
  /** More labels may (and, with `open`, must) stand before them. */
  readonly open: boolean;
}

const MAX_NAME = 253;

/** Lower case without the last dot; null for what can't be a host's name, among it numbers that would be read as addresses. */
export function hostName(text: string): string | null {
  const name = text.toLowerCase().replace(/\.$/, '');
  if (name.length === 0 || name.length > MAX_NAME) return null;
  const labels = name.split('.');
  if (!labels.every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label))) return null;
  return endsInNumber(labels) ? null : name;
}

/** What inet_aton(3) and URL parsers read as an IPv4 address in disguise: decimal, octal, hexadecimal. */
function endsInNumber(labels: readonly string[]): boolean {
  return /^([0-9]+|0x[0-9a-f]*)$/.test(labels[labels.length - 1] as string);
}

/** Null when it is no pattern of names. */
export function parseDomain(text: string): DomainPattern | null {
  const lower = text.toLowerCase().replace(/\.$/, '');
  if (lower === '*') return { text: lower, labels: [], open: true };
  const labels = lower.split('.');
  const open = labels[0] === '*';
  const rest = open ? labels.slice(1) : labels;
  if (lower.length > MAX_NAME || rest.length === 0 || endsInNumber(rest)) return null;
  if (!rest.every((label) => /^[a-z0-9_*-]{1,63}$/.test(label) && !label.includes('**'))) return null;
  return { text: lower, labels: rest.reverse(), open };
}

export function matchesDomain(pattern: DomainPattern, name: string): boolean {
  const labels = name.split('.').reverse();
  const { open } = pattern;
  const count = pattern.labels.length;
  if (open ? labels.length <= count : labels.length !== count) return false;
  return pattern.labels.every((label, i) => matchesGlob(label, labels[i] as string));
}

/** `*` stands for any text within a label. Linear: a pattern can't be made slow. */
function matchesGlob(glob: string, text: string): boolean {
  if (!glob.includes('*')) return glob === text;
  const parts = glob.split('*');
  const first = parts[0] as string;
  const last = parts[parts.length - 1] as string;
  if (!text.startsWith(first) || text.length < first.length + last.length || !text.endsWith(last))
    return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at);
    if (found < 0 || found + part.length > text.length - last.length) return false;
    at = found + part.length;
  }
  return true;
}
