// Package scaffolder answers /api/scaffolder: templates as forms, tasks that run them, and what tasks tell while they run.
// Contract page: scaffolder, §2 and §6.
//
// It puts the parts together that know nothing of each other: package task keeps and claims tasks, package workflow runs their steps,
// package templating is their language, package action what steps can do. scaffolder.go makes the [Service]; template.go finds a
// template as its caller may see it, parameters.go makes it a form and checks what was filled in, start.go, dryrun.go and
// tasks.go are what callers do with it; permissions.go decides who may, permissions_rules.go reads the conditions of
// policies; routes*.go parse, call and render.
//
// A task acts as who started it, with no more rights than they have at that moment; what it was entrusted with is never
// answered.
package scaffolder
