package tool

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// shownPlan is what people and later steps see of a plan.
type shownPlan struct {
	Summary planSummary     `json:"summary"`
	Changed bool            `json:"changed"`
	Text    string          `json:"text"`
	JSON    json.RawMessage `json:"json,omitempty"` // nil = it was too long
}

// planSummary counts resources as terraform does: one that is replaced is added and destroyed.
type planSummary struct {
	Add     int `json:"add"`
	Change  int `json:"change"`
	Destroy int `json:"destroy"`
}

// String implements [fmt.Stringer].
func (s planSummary) String() string {
	return fmt.Sprintf("%d to add, %d to change, %d to destroy", s.Add, s.Change, s.Destroy)
}

// planDocument is the part of `terraform show -json` that is passed on. Variables, state and planned values are not: they
// hold secrets in clear, without a mark. In changes terraform marks what is sensitive.
type planDocument struct {
	FormatVersion    string                `json:"format_version"`
	TerraformVersion string                `json:"terraform_version,omitempty"`
	ResourceChanges  []resourceChange      `json:"resource_changes"`
	OutputChanges    map[string]planChange `json:"output_changes,omitempty"`
}

type resourceChange struct {
	Address      string     `json:"address"`
	Module       string     `json:"module_address,omitempty"`
	Mode         string     `json:"mode"`
	Type         string     `json:"type"`
	Name         string     `json:"name"`
	Index        any        `json:"index,omitempty"`
	Provider     string     `json:"provider_name"`
	Change       planChange `json:"change"`
	ActionReason string     `json:"action_reason,omitempty"`
}

type planChange struct {
	Actions         []string `json:"actions"`
	Before          any      `json:"before"`
	After           any      `json:"after"`
	AfterUnknown    any      `json:"after_unknown,omitempty"`
	BeforeSensitive any      `json:"before_sensitive,omitempty"`
	AfterSensitive  any      `json:"after_sensitive,omitempty"`
	ReplacePaths    any      `json:"replace_paths,omitempty"`
}

func readPlan(data []byte) (shownPlan, error) {
	var doc planDocument
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := decoder.Decode(&doc); err != nil {
		return shownPlan{}, fmt.Errorf("read the plan: %w", err)
	}
	var shown shownPlan
	for i := range doc.ResourceChanges {
		c := &doc.ResourceChanges[i].Change
		c.mask()
		if doc.ResourceChanges[i].Mode == "managed" {
			shown.count(c.Actions)
		}
	}
	for name, c := range doc.OutputChanges {
		c.mask()
		doc.OutputChanges[name] = c
		shown.Changed = shown.Changed || changes(c.Actions)
	}
	var err error
	shown.JSON, err = json.Marshal(doc)
	return shown, err
}

func changes(actions []string) bool {
	return slices.ContainsFunc(actions, func(a string) bool { return a != "no-op" && a != "read" })
}

func (s *shownPlan) count(actions []string) {
	s.Changed = s.Changed || changes(actions)
	for _, a := range actions {
		switch a {
		case "create":
			s.Summary.Add++
		case "update":
			s.Summary.Change++
		case "delete":
			s.Summary.Destroy++
		}
	}
}

func (c *planChange) mask() {
	c.Before, c.After = masked(c.Before, c.BeforeSensitive), masked(c.After, c.AfterSensitive)
}

// masked is value without what marks says is sensitive: true for a whole value, else an object or a list of the same shape.
func masked(value, marks any) any {
	switch m := marks.(type) {
	case bool:
		if m && value != nil {
			return "(sensitive value)"
		}
	case map[string]any:
		object, ok := value.(map[string]any)
		for key, mark := range m {
			if v, there := object[key]; ok && there {
				object[key] = masked(v, mark)
			}
		}
	case []any:
		list, ok := value.([]any)
		for i, mark := range m {
			if ok && i < len(list) {
				list[i] = masked(list[i], mark)
			}
		}
	}
	return value
}
