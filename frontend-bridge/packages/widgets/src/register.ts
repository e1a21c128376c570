// Defines the elements as a side effect, for pages that are built by a bundler.
import { define } from './define';
import { useModules } from './modules';

useModules({
  chart: () => import('./chart'),
  form: () => import('./form'),
  docs: () => import('./docs'),
  framed: () => import('./framed'),
  contrast: () => import('./contrast'),
  download: () => import('./download'),
});
define();
