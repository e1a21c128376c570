// The tokens of a theme: custom properties that a page sets on an element or anything around it. theme.css tells what each is.

export const tokenNames = [
  'font', 'font-mono', 'size', 'radius', 'space', 'bg', 'surface', 'text', 'text-muted', 'border', 'accent', 'focus', 'ok', 'warn',
  'danger', 'info', 'c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'c7', 'c8',
] as const;

const lengths = new Set(['size', 'radius', 'space']);
const colour = /^(#[\da-f]{3,8}|[a-z]{3,24}|(rgb|hsl|hwb|lab|lch|oklab|oklch|light-dark|color)a?\([\w\s.,%#/()+-]*\))$/i;

/** Whether a page may set a token to a value across a frame: nothing but what the token is for, which loads and covers nothing. */
export function validToken(name: string, value: string): boolean {
  if (!(tokenNames as readonly string[]).includes(name) || value.length > 200) return false;
  if (name.startsWith('font')) return /^[\p{L}\p{N}\s,'"-]+$/u.test(value);
  if (lengths.has(name)) return /^\d{1,3}(\.\d{1,3})?(px|rem|em|pt)$/.test(value);
  return colour.test(value) && CSS.supports('color', value);
}
