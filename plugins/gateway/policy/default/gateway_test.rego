package callboard.gateway_test

import data.callboard.gateway

request := {
	"request": {"app": "shop", "api": "api:default/orders", "plan": "gold", "ttlDays": 90, "reason": "", "environment": "staging"},
	"caller": {"ref": "user:default/ann", "groups": ["group:default/shop"]},
	"plan": {"id": "gold", "name": "Gold", "limits": [{"requests": 10, "windowSeconds": 1}, {"requests": 50000, "windowSeconds": 86400}], "approval": false},
	"app": {"metadata": {"name": "shop"}, "spec": {"owner": "group:default/shop"}},
	"api": {
		"metadata": {"name": "orders"},
		"spec": {"lifecycle": "experimental"},
		"relations": [{"type": "ownedBy", "targetRef": "group:default/orders"}],
	},
	"now": "2026-11-28T12:00:00Z",
}

rules(findings) := {f.rule | some f in findings}

changed(path, value) := json.patch(request, [{"op": "add", "path": path, "value": value}])

test_a_modest_request_passes if {
	count(gateway.critical) == 0 with input as request
	count(gateway.warning) == 0 with input as request
	count(gateway.advisory) == 0 with input as request
	not gateway.approval with input as request
}

test_a_person_owns_no_application if {
	rules(gateway.critical) == {"owner-is-a-group"} with input as changed("/app/spec/owner", "user:default/ann")
}

test_an_application_has_an_owner if {
	rules(gateway.critical) == {"owner-is-a-group"} with input as changed("/app/spec", {})
}

test_a_short_name_is_a_group if {
	count(gateway.critical) == 0 with input as changed("/app/spec/owner", "shop")
}

test_keys_end if {
	rules(gateway.critical) == {"ttl"} with input as changed("/request/ttlDays", 0)
	rules(gateway.critical) == {"ttl"} with input as changed("/request/ttlDays", 366)
	count(gateway.critical) == 0 with input as changed("/request/ttlDays", 365)
	rules(gateway.advisory) == {"long-ttl"} with input as changed("/request/ttlDays", 365)
}

test_many_requests_need_a_reason if {
	many := changed("/plan/limits", [{"requests": 1000, "windowSeconds": 1}])
	rules(gateway.warning) == {"quota-needs-a-reason"} with input as many
	why := json.patch(many, [{"op": "replace", "path": "/request/reason", "value": "the Christmas sale"}])
	count(gateway.warning) == 0 with input as why
}

test_the_tightest_limit_counts if {
	count(gateway.warning) == 0 with input as request
}

test_deprecated_apis_are_warned_of if {
	rules(gateway.warning) == {"deprecated"} with input as changed("/api/spec/lifecycle", "deprecated")
}

test_production_needs_approval if {
	gateway.approval == "required" with input as changed("/request/environment", "production")
	gateway.approval == "required" with input as changed("/api/spec/lifecycle", "production")
}

test_owners_of_an_api_need_no_approval if {
	own := changed("/request/environment", "production")
	not gateway.approval with input as json.patch(own, [{"op": "add", "path": "/caller/groups/-", "value": "group:default/orders"}])
}
