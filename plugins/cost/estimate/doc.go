// Package estimate says what a Terraform plan costs a month, before it is applied.
//
// A plan is read by package tfplan, package rules says what its resources consist of, and package pricebook what that costs:
// nothing is asked over the network. The result has the form of Infracost's JSON, and estimates of Infracost are taken as
// well. What the total lacks is always named: resources that are not supported, and those without a price, with the reason.
// What depends on usage has no cost until a usage file tells it.
//
//	estimate.go    an Estimator: settings, and what it reads
//	pricing.go     resources to cost components; document.go their form and sums; difference.go what a plan changes
//	infracost.go   uploads of Infracost
//	usage.go       usage files, in Infracost's form
//	routes.go      POST /v1/estimates; keep.go the last estimates of an entity; widget.go shows them
//	action.go      the scaffolder action cost:estimate
//	command.go     `cost estimate plan.json`; table.go what it prints
package estimate
