package manager

import "github.com/callboard/callboard/sdk"

// The permissions of the original.
var (
	readService         = sdk.Permission{Name: "kong.service.manager.read.service", Action: "read"}
	readAvailable       = sdk.Permission{Name: "kong.service.manager.read.plugins.available", Action: "read"}
	readAssociated      = sdk.Permission{Name: "kong.service.manager.read.plugins.associated", Action: "read"}
	readRoutes          = sdk.Permission{Name: "kong.service.manager.read.routes", Action: "read"}
	applyToService      = sdk.Permission{Name: "kong.service.manager.apply.plugins.to.service", Action: "create"}
	updateOnService     = sdk.Permission{Name: "kong.service.manager.update.plugin.on.the.service", Action: "update"}
	disableFromService  = sdk.Permission{Name: "kong.service.manager.disable.plugin.from.service", Action: "delete"}
	createRoute         = sdk.Permission{Name: "kong.service.manager.create.route", Action: "create"}
	updateRoute         = sdk.Permission{Name: "kong.service.manager.update.route", Action: "update"}
	deleteRoute         = sdk.Permission{Name: "kong.service.manager.delete.route", Action: "delete"}
	readAvailableRoute  = sdk.Permission{Name: "kong.service.manager.read.plugins.available.for.route", Action: "read"}
	applyToRoute        = sdk.Permission{Name: "kong.service.manager.apply.plugins.available.to.route", Action: "create"}
	readAssociatedRoute = sdk.Permission{Name: "kong.service.manager.read.plugins.associated.for.route", Action: "read"}
	updateOnRoute       = sdk.Permission{Name: "kong.service.manager.update.plugin.associated.on.the.route", Action: "update"}
	disableFromRoute    = sdk.Permission{Name: "kong.service.manager.disable.plugin.from.route", Action: "delete"}
	readSpecs           = sdk.Permission{Name: "kong.service.manager.read.specs", Action: "read"}
	updateSpec          = sdk.Permission{Name: "kong.service.manager.update.spec", Action: "update"}
)

// Permissions are what a plugin with this facade registers. Two of them no route asks for: frontends ask for these before
// they show a form whose work is done elsewhere.
func Permissions() []sdk.Permission {
	return []sdk.Permission{
		readService, readAvailable, readAssociated, readRoutes, applyToService, updateOnService, disableFromService, createRoute, updateRoute, deleteRoute,
		readAvailableRoute, applyToRoute, readAssociatedRoute, updateOnRoute, disableFromRoute, readSpecs, updateSpec,
	}
}
