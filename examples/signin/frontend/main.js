// A frontend of another origin, of no more than Backstage's own classes for sign-in.
import { ConfigReader, GithubAuth, OAuth2, OAuthRequestManager, UrlPatternDiscovery } from '@backstage/core-app-api';

const options = {
  configApi: new ConfigReader({}),
  discoveryApi: UrlPatternDiscovery.compile(`${document.documentElement.dataset.backend}/api/{{ pluginId }}`),
  oauthRequestApi: new OAuthRequestManager(),
  environment: 'development',
};

const providers = {
  oidc: OAuth2.create({
    ...options,
    provider: { id: 'oidc', title: 'OpenID Connect', icon: () => null },
    defaultScopes: ['openid', 'profile', 'email'],
  }),
  github: GithubAuth.create(options),
};

for (const [id, api] of Object.entries(providers)) {
  const section = document.getElementById(id);
  const say = value => {
    section.querySelector('output').textContent = JSON.stringify(value);
  };
  const show = async how => {
    try {
      const identity = await api.getBackstageIdentity(how);
      say(identity ? { ...identity, profile: await api.getProfile({ optional: true }), catalog: await askCatalog(identity.token) } : null);
    } catch (error) {
      say({ error: `${error.name}: ${error.message}` });
    }
  };
  section.querySelector('.in').addEventListener('click', () => show({ instantPopup: true }));
  section.querySelector('.out').addEventListener('click', async () => {
    await api.signOut().then(() => say('signed out'), error => say({ error: `${error.name}: ${error.message}` }));
  });
  // As a frontend does when it is loaded: whoever has a session is signed in without being asked.
  show({ optional: true });
}

async function askCatalog(token) {
  const base = await options.discoveryApi.getBaseUrl('catalog');
  const response = await fetch(`${base}/entities/by-name/component/default/harbour-map`, { headers: { authorization: `Bearer ${token}` } });
  return response.status;
}
