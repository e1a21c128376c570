// What fragments may hold: the vocabulary of the host's own pages and pictures. It is the second net; the first is the host,
// which escapes and sanitises what it writes.

const set = (names: string) => new Set(names.split(' '));

export const SVG = 'http://www.w3.org/2000/svg';
export const HTML = 'http://www.w3.org/1999/xhtml';

export const htmlElements = set(
  'a abbr article aside b blockquote br button caption code col colgroup dd del details dfn div dl dt em fieldset figcaption ' +
    'figure footer form h1 h2 h3 h4 h5 h6 header hr i img input ins kbd label legend li main mark nav ol optgroup option ' +
    'p pre q s samp section select small span strong sub summary sup table tbody td textarea tfoot th thead ' +
    'time tr u ul var wbr',
);

export const svgElements = set(
  'svg g a path rect circle ellipse line polyline polygon text tspan title desc defs clipPath use',
);

/** Attributes that any element may have, beside data-* and aria-*. */
const everywhere = set('class id title lang dir role tabindex hidden translate');

const htmlAttributes: Record<string, Set<string>> = {
  a: set('href rel hreflang download'),
  button: set('type name value disabled'),
  col: set('span'),
  colgroup: set('span'),
  details: set('open name'),
  fieldset: set('disabled'),
  form: set('action method enctype autocomplete novalidate'),
  img: set('src alt width height loading decoding'),
  input: set(
    'type name value checked disabled readonly required placeholder min max step minlength maxlength pattern size autocomplete inputmode spellcheck',
  ),
  label: set('for'),
  ol: set('start reversed type'),
  optgroup: set('label disabled'),
  option: set('value selected disabled label'),
  select: set('name multiple size required disabled autocomplete'),
  td: set('colspan rowspan headers'),
  textarea: set('name rows cols required disabled readonly placeholder minlength maxlength spellcheck autocomplete wrap'),
  th: set('colspan rowspan headers scope abbr'),
  time: set('datetime'),
};

const svgAttributes = set(
  'xmlns viewBox preserveAspectRatio width height x y x1 y1 x2 y2 cx cy r rx ry dx dy d points transform fill fill-opacity fill-rule ' +
    'stroke stroke-width stroke-dasharray stroke-dashoffset stroke-linecap stroke-linejoin stroke-opacity opacity text-anchor ' +
    'dominant-baseline font-size font-weight font-family letter-spacing textLength lengthAdjust focusable ' +
    'clipPathUnits clip-path href rel color direction',
);

const inputTypes = set('text search email url tel password number date time datetime-local month week color range checkbox radio hidden submit reset button');

/** Whether an element of a fragment may have an attribute with a value. root is the address of the host. */
export function mayHave(element: string, svg: boolean, name: string, value: string, root: string): boolean {
  if (/^(data|aria)-[a-z0-9-]+$/.test(name)) return true;
  if (!everywhere.has(name) && !(svg ? svgAttributes : htmlAttributes[element])?.has(name)) return false;
  switch (name) {
    case 'href':
      return svg && element !== 'a' ? /^#[\w-]+$/.test(value) : mayFollow(value, root);
    case 'action':
    case 'src':
      return ofHost(value, root) || (name === 'src' && /^data:image\/(png|gif|jpeg|webp);base64,[\w+/=]*$/.test(value));
    case 'tabindex':
      return value === '0' || value === '-1';
    case 'type':
      return element !== 'input' || inputTypes.has(value.toLowerCase());
    default:
      // An address in a presentation attribute makes the browser load it.
      return !svg || !/url\s*\(/i.test(value) || /^url\(#[\w-]+\)$/.test(value);
  }
}

/** Whether a link leads where links may lead, as the browser itself reads the address. */
export function mayFollow(value: string, root: string): boolean {
  try {
    return /^(https?|mailto|ssh):$/.test(new URL(value, root + '/').protocol);
  } catch {
    return false;
  }
}

function ofHost(value: string, root: string): boolean {
  try {
    const url = new URL(value, root + '/');
    return url.origin === new URL(root).origin && !url.username && !url.password;
  } catch {
    return false;
  }
}
