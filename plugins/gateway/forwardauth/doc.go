// Package forwardauth gives keys, plans and quotas to gateways that have none to be managed from outside, but ask somebody
// before they let a request in: nginx (auth_request), Caddy (forward_auth), Traefik (ForwardAuth) and Envoy (ext_authz). It
// is both a [driver.Driver], which keeps the keys, and the authorizer that these gateways ask: [Handler].
//
//	options.go    what an operator sets: APIs, plans, limits
//	window.go     the windows of limits
//	record.go     an application as it is stored, and how it is changed
//	driver.go     the driver's methods over these records
//	index.go      what requests are looked up in
//	follow.go     how changes of other hosts arrive
//	meter.go      counting against limits
//	ledger.go     counts in the store
//	authorize.go  the decision about one request
//	handler.go    HTTP: what gateways ask, and what they are answered
//	metrics.go    what is counted for Prometheus
//
// # What is kept
//
// The store has a record for each application: its access, and of its keys the id, a prefix and a SHA-256. Secrets have at
// least 32 random characters, so that a hash without salt or stretching cannot be inverted, and one lookup finds the key.
// The decision about a request reads only memory. It takes about a microsecond and is right as of the last change:
//
//   - A change on this host acts before the call that makes it returns.
//   - On other hosts it acts within [Poll], half a second: a host that changes a record leaves a note before and after, and
//     the others look for notes. The one before is for a host that dies in between: the record is read again when the write
//     can no longer be on its way.
//   - While the store does not answer, requests are decided by what is known, for [Options.Stale]; then with 503.
//
// # How exact quotas are
//
// Each host counts in memory and adds what it counted to the store every [Flush], 5 seconds; it reads there what the others
// counted. So a host alone is exact, several may together let through what they see in 5 seconds beyond the limit, and a
// host that is killed forgets at most 5 seconds. Windows shorter than a minute are counted by each host for itself.
package forwardauth
