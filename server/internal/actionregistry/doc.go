// Package actionregistry is the registry of actions: what each feature lets clients, templates and agents do beyond its
// own routes, under "/.backstage/actions" of the feature. Contract page: platform, §13.
//
// An action decides nothing about what its caller may do. It asks the features' own routes, inside the process and with a
// token that names the caller, so that permissions, checks and error texts are those of the routes and cannot be forgotten
// here; see [client].
//
//	registry.go    what there is, who sees it, invocation     filter.go      backend.actions
//	routes.go      parse, invoke, render                      scaffolder.go  the actions as steps of templates
//	client.go      calls of the host's routes                 actions_*.go   the actions, by feature
//	definitions/   their titles, descriptions and schemas as the reference shows them
package actionregistry
