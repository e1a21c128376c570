// What a page loads with one script tag. The other files are the host's, of the same build: each is checked against the
// digest that this file has of it, so that a page which pins this file has pinned all of them.
import { define } from './define';
import { fromFiles, useModules } from './modules';
import { useBase } from './settings';

/** Names and digests of the other files, which the build writes here. */
declare const INTEGRITY: Record<string, string>;

/** The host puts the address of this build's files here when it serves this file. */
const SERVED = '__CALLBOARD_ASSETS__';
const assets = new URL(SERVED.startsWith('assets/') ? SERVED : 'assets/', import.meta.url);

async function file<M>(name: string): Promise<M> {
  const url = new URL(name, assets).href;
  await preload(url, INTEGRITY[name]);
  return (await import(/* @vite-ignore */ url)) as M;
}

/** Lets the browser check a module before it runs: import() itself takes no digest. */
function preload(url: string, integrity: string | undefined): Promise<void> {
  const link = document.createElement('link');
  if (!integrity || !link.relList.supports?.('modulepreload')) return Promise.resolve();
  link.rel = 'modulepreload';
  link.href = url;
  link.integrity = integrity;
  link.crossOrigin = 'anonymous';
  return new Promise((resolve, reject) => {
    link.onload = () => resolve();
    link.onerror = () => reject(new Error(`${url} cannot be loaded`));
    document.head.append(link);
  });
}

useModules(fromFiles(file));
const home = /^(.*)\/embed\/v1\/embed\.js$/.exec(import.meta.url.split(/[?#]/)[0]!)?.[1];
if (home) useBase(home);
define();
