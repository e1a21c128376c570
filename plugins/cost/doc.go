// Cost shows what the cloud costs, by the entities of the catalog: from FOCUS bills of any cloud and from OpenCost.
//
//	main.go        what is registered
//	settings.go    what an operator writes
//	access.go      who may see and do what
//	catalog.go     what the catalog says about costs: claims, owners, parts
//	scope.go       whose costs a question is about
//	question.go    parameters of questions, read leniently, refused clearly
//	sums.go        sums by groups and time, carbon, anomalies, forecasts
//	entity.go      the costs of an entity at a glance; allocation.go those of all, and what is nobody's
//	budgets.go     budgets and how they are doing; watch.go tells owners
//	imports.go     uploads, and what became of imports; feeds.go folders and buckets that are looked at
//	widgets.go     what pages show
//	ask.go         facades for other frontends
//	search.go      who uses a service, for the portal's search
//	health.go      what operators are told; meta.go what each answer says about its data
//
// The work is done in packages of their own: money adds exactly, focus reads bills, ledger keeps charges, intake brings them
// in, insight makes answers of them, estimate prices plans, facade answers what other frontends ask.
package main
