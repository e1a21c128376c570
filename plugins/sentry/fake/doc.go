// Package fake is a Sentry to develop and test against: the part of its API that the plugin uses, with organizations,
// projects, issues, releases and sessions that can change, and with its ways to refuse: tokens, scopes, rate limits,
// redirects for a missing slash, pages by cursor.
//
// What it does not know of searches it refuses, rather than finding everything. See [Server.Fail] for answers that no
// sane Sentry gives.
package fake
