package scaffolder

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/permission/zod"
)

const (
	ruleHasTag      = "HAS_TAG"
	ruleIsTaskOwner = "IS_TASK_OWNER"
)

func templateRules() []permission.Rule {
	return []permission.Rule{{
		Name: ruleHasTag, Description: "Match parameters or steps with the given tag",
		Params: zod.Object(zod.Field{Name: "tag", Schema: zod.String("Name of the tag to match on")}),
		Apply: func(resource any, params map[string]any) (bool, error) {
			t, ok := resource.(tagged)
			if !ok {
				return false, fmt.Errorf("rule %s: not a part of a template: %T", ruleHasTag, resource)
			}
			tag, _ := params["tag"].(string)
			return t.has(tag), nil
		},
	}}
}

// ownedTask is a task, as far as rules look at it.
type ownedTask struct{ createdBy string }

func taskRules() []permission.Rule {
	return []permission.Rule{{
		Name: ruleIsTaskOwner, Description: "Allows tasks created by certain users to be accessible",
		Params: zod.Object(zod.Field{Name: "createdBy", Schema: zod.Array(zod.String(""),
			"List of creator entity refs; only tasks created by these users will be viewable")}),
		Apply: func(resource any, params map[string]any) (bool, error) {
			t, ok := resource.(ownedTask)
			if !ok {
				return false, fmt.Errorf("rule %s: not a task: %T", ruleIsTaskOwner, resource)
			}
			return t.createdBy != "" && slices.Contains(permission.Texts(params["createdBy"]), t.createdBy), nil
		},
	}}
}

// call is one run of an action, as far as rules look at it.
type call struct {
	action string
	input  json.RawMessage
}

func actionRules() []permission.Rule {
	return []permission.Rule{
		actionRule("HAS_ACTION_ID", "Match actions with the given actionId",
			zod.Object(zod.Field{Name: "actionId", Schema: zod.String("Name of the actionId to match on")}),
			func(c call, params map[string]any) bool { return c.action == params["actionId"] }),
		propertyRule("HAS_BOOLEAN_PROPERTY", zod.Boolean(), func(_ call, _ string, found, wanted any) bool { return found == wanted }),
		propertyRule("HAS_NUMBER_PROPERTY", zod.Number(), sameNumber),
		propertyRule("HAS_STRING_PROPERTY", zod.String(""), sameText),
	}
}

func actionRule(name, description string, params zod.Schema, holds func(c call, params map[string]any) bool) permission.Rule {
	return permission.Rule{Name: name, Description: description, Params: params,
		Apply: func(resource any, params map[string]any) (bool, error) {
			c, ok := resource.(call)
			if !ok {
				return false, fmt.Errorf("rule %s: not a run of an action: %T", name, resource)
			}
			return holds(c, params), nil
		}}
}

// propertyRule asks for a property of an input that has that type, and with a value when params have one.
func propertyRule(name string, value zod.Schema, same func(c call, path string, found, wanted any) bool) permission.Rule {
	params := zod.Object(
		zod.Field{Name: "key", Schema: zod.String("Property within the action parameters to match on")},
		zod.Field{Name: "value", Schema: zod.Optional(zod.Described(value, "Value of the given property to match on"))},
	)
	return actionRule(name, "Allow actions with the specified property", params, func(c call, params map[string]any) bool {
		key, _ := params["key"].(string)
		found, path, ok := c.property(key)
		if !ok || zod.Validate(value, found) != nil {
			return false
		}
		wanted, valued := params["value"]
		return !valued || same(c, path, found, wanted)
	})
}

func sameNumber(_ call, _ string, found, wanted any) bool {
	a, err := json.Marshal(found)
	b, err2 := json.Marshal(wanted)
	return err == nil && err2 == nil && string(a) == string(b)
}

// sameText compares names at hosts of repositories as these do: in any case.
func sameText(c call, path string, found, wanted any) bool {
	a, _ := found.(string)
	b, _ := wanted.(string)
	if c.namesRepository(path) {
		return strings.ToLower(a) == strings.ToLower(b) //nolint:staticcheck // as JavaScript compares: EqualFold also folds what has no lower case
	}
	return a == b
}

var repositoryHost = regexp.MustCompile(`^(?:gitlab|github|bitbucket(?:Cloud|Server)?)$`)

// namesRepository reports whether a property of this call is part of a repository's address at a host that ignores case.
func (c call) namesRepository(path string) bool {
	segments := strings.Split(c.action, ":")
	if !slices.ContainsFunc(segments, repositoryHost.MatchString) {
		return false
	}
	return slices.Contains([]string{"owner", "repoName", "projectId", "repoUrl"}, path) || path == "path" && slices.Contains(segments, "group")
}

// property is what is at that path of the input, and the path in dots. A member whose name is the whole path goes first.
func (c call) property(key string) (value any, path string, ok bool) {
	var input any
	if json.Unmarshal(c.input, &input) != nil {
		return nil, "", false
	}
	steps := pathSteps(key)
	path = strings.Join(steps, ".")
	if object, isObject := input.(map[string]any); isObject {
		if value, ok := object[key]; ok {
			return value, path, true
		}
	}
	value = input
	for _, step := range steps {
		switch node := value.(type) {
		case map[string]any:
			value, ok = node[step]
		case []any:
			i, err := strconv.Atoi(step)
			if ok = err == nil && i >= 0 && i < len(node) && strconv.Itoa(i) == step; ok {
				value = node[i]
			}
		default:
			ok = false
		}
		if !ok {
			return nil, path, false
		}
	}
	return value, path, len(steps) > 0
}

// pathStep is a name, or what stands in brackets: anything, or a text in quotes.
var pathStep = regexp.MustCompile(`[^.[\]]+|\[(?:([^"'][^[]*?)|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')\]`)

// pathSteps reads a path as policies write it: a.b[0]["c"].
func pathSteps(key string) []string {
	var steps []string
	for _, m := range pathStep.FindAllStringSubmatch(key, -1) {
		switch {
		case m[1] != "":
			steps = append(steps, m[1])
		case strings.HasPrefix(m[0], "["):
			steps = append(steps, escaped.ReplaceAllString(m[2]+m[3], "$1"))
		default:
			steps = append(steps, m[0])
		}
	}
	return steps
}

var escaped = regexp.MustCompile(`\\(\\)?`)
