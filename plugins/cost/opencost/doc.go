// Package opencost brings what Kubernetes workloads cost, as OpenCost and Kubecost compute it, into the ledger.
//
//	client.go   one call: allocations of days
//	numbers.go  JSON with NaN in it
//	charges.go  allocations as charges
//	collect.go  day after day, kept so that months stay whole though OpenCost forgets
//
// OpenCost shares out what nodes cost, and clouds bill the same nodes. Who imports both counts them twice unless queries
// choose one, by provider or source.
//
// OpenCost has no authentication of its own; it must not be reachable by others than this plugin. Folder opencostfake is one
// for tests and demonstrations.
package opencost
