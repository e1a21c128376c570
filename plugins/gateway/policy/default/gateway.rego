# The rules that apply where an operator has none. Copy the folder to begin with rules of your own; data.json has the
# numbers. Each rule tells its name, which the form, the audit trail and the tests show.
package callboard.gateway

# Keys outlive the people who asked for them: who owns an application is a group.
critical contains finding("owner-is-a-group", "the application has no owner") if {
	owner == ""
}

critical contains finding("owner-is-a-group", sprintf("the application is owned by %s, not by a group", [owner])) if {
	contains(owner, ":")
	not startswith(lower(owner), "group:")
}

# A key that works for ever is a key that nobody thinks of any more.
critical contains finding("ttl", sprintf("a key must end within %d days", [data.limits.maxTTLDays])) if {
	input.request.ttlDays <= 0
}

critical contains finding("ttl", msg) if {
	input.request.ttlDays > data.limits.maxTTLDays
	msg := sprintf("a key of %d days is asked for; at most %d are allowed", [input.request.ttlDays, data.limits.maxTTLDays])
}

# Somebody will ask what so many requests are for.
warning contains finding("quota-needs-a-reason", msg) if {
	requests_per_day > data.limits.requestsPerDayWithoutReason
	trim_space(input.request.reason) == ""
	msg := sprintf("plan %s allows %d requests a day: say what they are for", [input.request.plan, requests_per_day])
}

warning contains finding("deprecated", sprintf("%s is deprecated: it may be switched off", [input.request.api])) if {
	input.api.spec.lifecycle == "deprecated"
}

advisory contains finding("long-ttl", msg) if {
	input.request.ttlDays > data.limits.longTTLDays
	input.request.ttlDays <= data.limits.maxTTLDays
	msg := sprintf("a key of more than %d days needs somebody to remember it: keys can be rotated without an outage", [data.limits.longTTLDays])
}

# Whoever runs an API in production decides who calls it, unless he is the one who asks.
approval := "required" if {
	in_production
	not caller_owns_api
}

in_production if lower(input.request.environment) in {"production", "prod"}

in_production if input.api.spec.lifecycle == "production"

caller_owns_api if {
	some relation in input.api.relations
	relation.type == "ownedBy"
	relation.targetRef in input.caller.groups
}

owner := object.get(input.app, ["spec", "owner"], "")

# A call must pass all limits of a plan: what counts is how many the tightest lets through in a day.
requests_per_day := min([n |
	some limit in input.plan.limits
	limit.windowSeconds > 0
	n := floor((limit.requests * 86400) / limit.windowSeconds)
])

finding(rule, msg) := {"rule": rule, "msg": msg}
