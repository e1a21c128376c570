// What the remote exposes as `.`: the plugin, as its default export.
export { default } from '@callboard/backstage-plugin';
