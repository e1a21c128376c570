package scaffolder

import (
	"encoding/json"
	"testing"

	"github.com/callboard/callboard/server/internal/permission"
)

func TestActionRules_LookAtTheInputOfARun(t *testing.T) {
	const input = `{"owner":"Acme","n":3,"on":true,"off":false,"nothing":null,"a":{"b":[{"c":"deep"}]},"x.y":"whole","path":"Team"}`
	for _, c := range []struct {
		why, action, rule string
		params            map[string]any
		want              bool
	}{
		{"the id of the action", "debug:log", "HAS_ACTION_ID", map[string]any{"actionId": "debug:log"}, true},
		{"another id", "debug:log", "HAS_ACTION_ID", map[string]any{"actionId": "debug"}, false},
		{"a boolean that is there", "a", "HAS_BOOLEAN_PROPERTY", map[string]any{"key": "on"}, true},
		{"false is there too", "a", "HAS_BOOLEAN_PROPERTY", map[string]any{"key": "off"}, true},
		{"a boolean of that value", "a", "HAS_BOOLEAN_PROPERTY", map[string]any{"key": "off", "value": false}, true},
		{"a boolean of another value", "a", "HAS_BOOLEAN_PROPERTY", map[string]any{"key": "off", "value": true}, false},
		{"a number is no boolean", "a", "HAS_BOOLEAN_PROPERTY", map[string]any{"key": "n"}, false},
		{"a number", "a", "HAS_NUMBER_PROPERTY", map[string]any{"key": "n", "value": 3.0}, true},
		{"a number that a policy in Go wrote", "a", "HAS_NUMBER_PROPERTY", map[string]any{"key": "n", "value": 3}, true},
		{"another number", "a", "HAS_NUMBER_PROPERTY", map[string]any{"key": "n", "value": 4.0}, false},
		{"a text", "a", "HAS_STRING_PROPERTY", map[string]any{"key": "owner", "value": "Acme"}, true},
		{"the case counts", "a", "HAS_STRING_PROPERTY", map[string]any{"key": "owner", "value": "acme"}, false},
		{"but not in addresses of repositories", "publish:github", "HAS_STRING_PROPERTY", map[string]any{"key": "owner", "value": "acme"}, true},
		{"nor at the servers of Bitbucket", "publish:bitbucketServer", "HAS_STRING_PROPERTY", map[string]any{"key": "owner", "value": "ACME"}, true},
		{"only whole segments name a host", "publish:githubby", "HAS_STRING_PROPERTY", map[string]any{"key": "owner", "value": "acme"}, false},
		{"the path of a group", "gitlab:group:ensureExists", "HAS_STRING_PROPERTY", map[string]any{"key": "path", "value": "team"}, true},
		{"the path of anything else", "gitlab:issues:create", "HAS_STRING_PROPERTY", map[string]any{"key": "path", "value": "team"}, false},
		{"deep", "a", "HAS_STRING_PROPERTY", map[string]any{"key": "a.b[0].c", "value": "deep"}, true},
		{"deep in brackets", "a", "HAS_STRING_PROPERTY", map[string]any{"key": `a["b"][0]['c']`, "value": "deep"}, true},
		{"deep, with an index as a name", "a", "HAS_STRING_PROPERTY", map[string]any{"key": "a.b.0.c"}, true},
		{"a name with a dot in it", "a", "HAS_STRING_PROPERTY", map[string]any{"key": "x.y", "value": "whole"}, true},
		{"nothing there", "a", "HAS_STRING_PROPERTY", map[string]any{"key": "a.b[1].c"}, false},
		{"null is no text", "a", "HAS_STRING_PROPERTY", map[string]any{"key": "nothing"}, false},
		{"no key", "a", "HAS_STRING_PROPERTY", map[string]any{"key": ""}, false},
	} {
		criteria := permission.When(ActionResource, c.rule, c.params)
		g := Gate{judge{permission.Decision{Result: permission.Conditional, Conditions: &criteria}, integrations(nil)[1]}}
		err := g.Allows(c.action, json.RawMessage(input))
		if got := err == nil; got != c.want {
			t.Errorf("%s: got %v, %v", c.why, got, err)
		}
	}
}

func TestGate_NamesTheActionThatIsRefused(t *testing.T) {
	g := Gate{judge{decision: permission.Decision{Result: permission.Deny}}}
	err := g.Allows("fs:delete", json.RawMessage(`{}`))
	if err == nil || err.Error() != "NotAllowedError: Unauthorized action: fs:delete. The action is not allowed." {
		t.Errorf("got %v", err)
	}
}

func TestReadTags_TakesAnythingForAPageOrAStep(t *testing.T) {
	for item, want := range map[string]int{
		`{"backstage:permissions":{"tags":["a","b"]}}`: 2, `{"backstage:permissions":{"tags":"a"}}`: 0, `{"backstage:permissions":["a"]}`: 0,
		`{"backstage:permissions":null}`: 0, `{}`: 0, `[]`: 0, `"x"`: 0, `{"backstage:permissions":{"tags":[1,null,"a"]}}`: 1,
	} {
		if got := readTags(json.RawMessage(item)); len(got.tags) != want {
			t.Errorf("%s: got %q", item, got.tags)
		}
	}
}
