// The filters that the scaffolder adds to the template language.
import get from 'lodash/get.js';
import trim from 'lodash/trim.js';

// What each kind of host asks of the address of a repository. The order is the order in which what is missing is told.
const required = {
  bitbucketCloud: () => ['workspace', 'project', 'repo'],
  bitbucketServer: () => ['project', 'repo'],
  azure: () => ['project', 'repo'],
  gitlab: (parts) => (parts.project ? [] : ['owner', 'repo']),
  gitea: () => ['repo'],
  gerrit: () => ['repo'],
};
const requiredElsewhere = () => ['repo', 'owner'];

const partNames = ['owner', 'organization', 'workspace', 'project', 'repo'];

function parseAddress(repoUrl) {
  try {
    return new URL(`https://${repoUrl}`);
  } catch (error) {
    throw new TypeError(`Invalid repo URL passed to publisher, got ${repoUrl}, ${error}`);
  }
}

function parseRepoUrl(repoUrl, integrations) {
  const address = parseAddress(repoUrl);
  const type = integrations.find(({ host }) => host === address.host)?.type;
  if (!type) {
    throw new TypeError(
      `No matching integration configuration for host ${address.host}, please check your integrations config`,
    );
  }
  const query = address.searchParams;
  const parts = {};
  for (const name of partNames) if (query.has(name)) parts[name] = trim(query.get(name), '/');
  for (const name of (required[type] ?? requiredElsewhere)(parts)) {
    if (!query.get(name)) throw new TypeError(`Invalid repo URL passed to publisher: ${address}, missing ${name}`);
  }
  const { owner, repo, organization, workspace, project } = parts;
  return { host: address.host, owner, repo, organization, workspace, project };
}

function splitEntityRef(ref) {
  const slash = ref.indexOf('/');
  let colon = ref.indexOf(':');
  if (slash !== -1 && slash < colon) colon = -1; // a colon in the name
  const kind = colon === -1 ? undefined : ref.slice(0, colon);
  const namespace = slash === -1 ? undefined : ref.slice(colon + 1, slash);
  const name = ref.slice(Math.max(colon, slash) + 1);
  if (kind === '' || namespace === '' || name === '') {
    throw new TypeError(`Entity reference "${ref}" was not on the form [<kind>:][<namespace>/]<name>`);
  }
  return { kind, namespace, name };
}

function parseEntityRef(ref, context) {
  if (!ref) throw new Error('Entity reference must not be empty');
  const given = typeof ref === 'string' ? splitEntityRef(ref) : ref;
  const parts = {
    kind: given.kind ?? context?.defaultKind,
    namespace: given.namespace ?? (context?.defaultNamespace || 'default'),
    name: given.name,
  };
  if (!parts.kind) {
    throw new Error(
      `Entity reference ${JSON.stringify(ref)} had missing or empty kind (e.g. did not start with "component:" or similar)`,
    );
  }
  for (const part of ['namespace', 'name']) {
    if (!parts[part]) throw new Error(`Entity reference ${JSON.stringify(ref)} had missing or empty ${part}`);
  }
  return parts;
}

/** The filters by name. integrations are the hosts that are configured: [{type, host}]. */
export function scaffolderFilters(integrations) {
  return {
    parseRepoUrl: (url) => parseRepoUrl(url, integrations),
    parseEntityRef,
    pick: get,
    projectSlug(url) {
      const { owner, repo } = parseRepoUrl(url, integrations);
      return `${owner}/${repo}`;
    },
  };
}
