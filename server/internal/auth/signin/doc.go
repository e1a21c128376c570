// Package signin signs people in by way of somebody who knows them: OAuth 2.0 and OpenID Connect providers, and a proxy that
// has done it already. It mirrors contract page "auth" of the reference, section 2: routes, states, cookies, messages and
// the resolvers that find the user in the catalog.
//
// [Engine] is the whole of it. Its handlers are plain net/http; package auth mounts them and issues the identities.
// Providers are rows of one table (presets.go): what differs between them is data, and three small types that do more
// (OpenID Connect, GitHub, Microsoft).
//
// Rules in one place:
//   - a browser comes back with what it was sent away with: the nonce of the state and the PKCE verifier are in cookies of
//     the provider, good for ten minutes and once;
//   - nobody is sent, and nothing is posted, to an origin that the configuration does not name;
//   - tokens and codes are in no log, no address and no message; what a provider says in an error is shown without them;
//   - a provider is asked with one client: ten seconds, a megabyte, no redirect to another host.
package signin
