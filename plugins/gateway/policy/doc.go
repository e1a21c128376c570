// Package policy decides by rules of the operator's own, written in Rego, whether an application may have access to an API,
// and whether somebody must approve it first.
//
// A bundle is a folder or a .tar.gz archive of .rego files and data.json. Its rules stand in package callboard.gateway, each
// in one of these lists of messages:
//
//	deny, critical    refuse the request
//	warn, warning     refuse it, unless the applicant gives a reason to override them, which is recorded
//	advise, advisory  are shown, and change nothing
//
// A message is a text, or an object {"msg": text, "rule": name} with further members of the operator's own. The rule approval
// may be "auto" or "required"; without it the gateway's settings decide. What rules see is told by input.schema.json, and a
// rule that reads a member that is not there does not compile.
//
// Rules are pure: what reaches the network, the environment, files, chance or the clock is not there for them, and
// time.now_ns is the time of the request. They run within three seconds and 128 MiB. Whatever goes wrong refuses the request:
// an error of a builtin, a result of another shape, too much of anything.
//
//	input.go    what rules see, and input.schema.json
//	decision.go what comes of it
//	bundle.go   reading a bundle, within bounds (archive.go)
//	compile.go  from files to a Policy, with errors by file and line
//	check.go    what rules can be, as far as the compiler knows
//	eval.go     one evaluation, within bounds
//	result.go   from Rego's values to findings
//	runner.go   rules that test rules
//	command.go  both for the command line
//
// Folder default holds the rules that apply where an operator has none.
package policy
