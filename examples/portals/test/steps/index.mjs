import { looks } from './looks.mjs';
import { tokens } from './tokens.mjs';
import { borders } from './borders.mjs';
import { keyboard } from './keyboard.mjs';
import { quiet } from './quiet.mjs';

// The last ones look back at all that was asked and logged before.
export const steps = [...looks, ...keyboard, ...tokens, ...borders, ...quiet];
