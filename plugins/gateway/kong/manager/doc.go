// Package manager answers what VeeCode's frontend for Kong asks of its backend, kong-service-manager: services, their routes,
// and the plugins of both.
//
// A service of Kong is seen by who may read an entity with the annotation kong-manager/service-name that names it, and
// kong-manager/instance that names the instance. It is changed by who owns such an entity, or by operators, unless there is a
// permission policy: then that decides alone. Both have the permissions of the original, by its names.
//
// It differs from the original where that is wrong: an instance that is not configured is not found, lists are read whole,
// every route asks for its permission, and what Kong says of an error is passed on, as the error's cause.
//
//	manager.go     instances, the answer to one request
//	routes.go      the table of routes; permission.go the names of their permissions
//	access.go      who may see and change a service
//	services.go, plugins.go, specs.go   what the routes answer
package manager
