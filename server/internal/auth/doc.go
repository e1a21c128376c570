// Package auth is identity: who calls, proven by a token. It issues user, limited user and plugin tokens, verifies those
// and the external ones of backend.auth.externalAccess, keeps the signing keys, signs people in (package signin asks their
// providers), and answers /api/auth. It also signs the tokens of embedding pages, whose limits and lives are the embed
// feature's.
// It mirrors contract page "auth" of the reference, to the byte where other holders rebuild tokens.
//
// [Service] is the whole of it: [Service.Authenticate] is what the HTTP edge calls for every request,
// [Service.PluginToken] and [Service.IssueUserToken] are what other features call, [Service.PluginRoutes] are the
// routes that every feature has (its public keys, its cookie).
//
// Token rules in one place:
//   - the algorithm is never taken from a token: user and plugin tokens are ES256, external ones what is configured;
//   - keys come from our key tables or from configured addresses, never from a token's header;
//   - a private key never leaves the process that made it: replicas share public keys through the database;
//   - a token that fails is answered with a constant text; the reason goes to the log, the token goes nowhere.
package auth
