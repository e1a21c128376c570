// All steps in the order of a visit. Each is { name, walk(screen) } and begins by opening the page it is about, so that
// any of them can run alone; only those marked `always` are needed by the others. Those marked `own` are about what stock
// Backstage does not have.
import { access } from './access.mjs';
import { apis } from './apis.mjs';
import { cardsOfLegacy, cardsOfPackage, cardsOfRemote } from './cards.mjs';
import { catalog } from './catalog.mjs';
import { components } from './components.mjs';
import { create } from './create.mjs';
import { kinds } from './kinds.mjs';
import { legacy } from './legacy.mjs';
import { plugins } from './plugins.mjs';
import { search } from './search.mjs';
import { shell } from './shell.mjs';
import { signIn } from './sign-in.mjs';
import { tasks } from './tasks.mjs';
import { templateEditor } from './template-editor.mjs';
import { widgets } from './widgets.mjs';

export const steps = [...signIn, ...catalog, ...components, ...apis, ...kinds, ...create, ...tasks, ...templateEditor, ...search, ...shell];

// Those of the frontend with plugins, beside the official plugins.
export const stepsWithPlugins = [...signIn, ...plugins, ...access, ...widgets, ...cardsOfPackage];

// Those of the stock frontend as it takes Callboard's remote, beside the official plugins.
export const stepsWithRemote = [...signIn, ...cardsOfRemote];

// Those of an app of the frontend system before, with Callboard's plugin in its code, beside the official plugins.
export const stepsWithLegacy = [...signIn, ...legacy, ...cardsOfLegacy];
