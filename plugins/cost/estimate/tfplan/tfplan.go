// Package tfplan reads what `terraform show -json` writes of a plan: the resources that there are before and after, with
// their attributes as far as they are known, and the region that each is in.
//
// OpenTofu writes the same format. The plan comes from whoever may ask for an estimate, so nothing in it is trusted: its size,
// its depth and the number of its resources are bounded, and values of an unexpected type count as not known.
package tfplan

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
)

// Bounds of a plan.
const (
	MaxBytes     = 10 << 20
	MaxDepth     = 100
	MaxResources = 5_000
)

// Plan is a plan of one configuration.
type Plan struct {
	TerraformVersion string
	// Resources are the managed resources, in the order of the plan.
	Resources []Resource
}

// Action is what a plan does with a resource.
type Action string

// The actions. A resource that is forgotten goes on to exist, and nobody's plan pays for it: it is left out.
const (
	Create  Action = "create"
	Update  Action = "update"
	Delete  Action = "delete"
	Replace Action = "replace"
	NoOp    Action = "no-op"
)

// Resource is one resource instance: with count and for_each, each of them.
type Resource struct {
	// Address is unique in a plan: `module.web.aws_instance.app[0]`.
	Address, Type string
	// Provider is the name of the resource's provider without its registry: "aws", "azurerm", "google".
	Provider string
	Action   Action
	// Before and After are nil where the resource does not exist.
	Before, After *Attributes
}

// document is the part of the format that is read.
type document struct {
	FormatVersion    string              `json:"format_version"`
	TerraformVersion string              `json:"terraform_version"`
	Variables        map[string]variable `json:"variables"`
	Changes          *[]change           `json:"resource_changes"`
	Values           json.RawMessage     `json:"values"` // only in a state
	Configuration    configuration       `json:"configuration"`
	Errored          bool                `json:"errored"`
}

type variable struct {
	Value any `json:"value"`
}

type change struct {
	Address  string `json:"address"`
	Module   string `json:"module_address"`
	Mode     string `json:"mode"`
	Type     string `json:"type"`
	Name     string `json:"name"`
	Provider string `json:"provider_name"`
	Deposed  string `json:"deposed"`
	Change   struct {
		Actions      []string       `json:"actions"`
		Before       map[string]any `json:"before"`
		After        map[string]any `json:"after"`
		AfterUnknown any            `json:"after_unknown"`
	} `json:"change"`
}

// Read reads a plan. Errors are of the input, and say what to do instead where that can be told.
func Read(data []byte) (*Plan, error) {
	if err := Check("plan", data); err != nil {
		return nil, err
	}
	var d document
	if err := Decode("plan", data, &d); err != nil {
		return nil, err
	}
	if err := d.check(); err != nil {
		return nil, err
	}
	p := &Plan{TerraformVersion: d.TerraformVersion}
	for _, c := range *d.Changes {
		r, there, err := c.resource()
		if err != nil {
			return nil, err
		}
		if there {
			p.Resources = append(p.Resources, r)
		}
	}
	d.atlas().locate(p.Resources)
	return p, nil
}

func (d document) check() error {
	major, _, _ := strings.Cut(d.FormatVersion, ".")
	switch {
	case d.FormatVersion == "":
		return apierror.Inputf("plan: format_version is missing; it takes what `terraform show -json` writes of a plan")
	case major != "0" && major != "1":
		return apierror.Inputf("plan: format_version %q is not known; versions 0 and 1 are", excerpt.Short(d.FormatVersion))
	case d.Changes == nil && len(d.Values) > 0:
		return apierror.Inputf("plan: this is a state, not a plan; give `terraform show -json` the file that `terraform plan -out` wrote")
	case d.Errored:
		return apierror.Inputf("plan: it is of a run that failed, and holds only a part of the resources")
	case d.Changes == nil:
		return apierror.Inputf("plan: resource_changes is missing")
	case len(*d.Changes) > MaxResources:
		return apierror.Inputf("plan: resource_changes has %d entries, at most %d are read", len(*d.Changes), MaxResources)
	}
	return nil
}

// resource is the change as a resource; false = of nothing that is paid for.
func (c change) resource() (r Resource, there bool, err error) {
	if c.Mode != "managed" {
		return r, false, nil
	}
	if c.Address == "" || c.Type == "" {
		return r, false, apierror.Inputf("plan: an entry of resource_changes has no address or no type")
	}
	r = Resource{Address: c.Address, Type: c.Type, Provider: c.Provider[strings.LastIndexByte(c.Provider, '/')+1:]}
	if c.Deposed != "" {
		r.Address += " (deposed " + c.Deposed + ")"
	}
	var known bool
	if r.Action, known = actionOf(c.Change.Actions); !known {
		return r, false, apierror.Inputf("plan: %s: actions %q are not known", excerpt.Short(c.Address), c.Change.Actions)
	}
	if r.Action == "" {
		return r, false, nil
	}
	if r.Action != Create {
		r.Before = &Attributes{values: c.Change.Before}
	}
	if r.Action != Delete {
		unknown, _ := c.Change.AfterUnknown.(map[string]any)
		r.After = &Attributes{values: c.Change.After, unknown: unknown}
	}
	return r, true, nil
}

// actionOf is "" for what changes nothing that is paid for.
func actionOf(actions []string) (Action, bool) {
	switch {
	case len(actions) == 1:
		switch a := actions[0]; a {
		case "create", "update", "delete", "no-op":
			return Action(a), true
		case "read", "forget":
			return "", true
		}
	case len(actions) != 2 || !slices.Contains(actions, "create"):
	case slices.Contains(actions, "delete"):
		return Replace, true
	case slices.Contains(actions, "forget"):
		return Create, true
	}
	return "", false
}

// Check refuses what is no JSON document of a bearable size and depth, with a word on what it seems to be. What names it in
// errors.
func Check(what string, data []byte) error {
	text := bytes.TrimLeft(data, " \t\r\n")
	switch {
	case len(data) > MaxBytes:
		return apierror.Inputf("%s: it is longer than %d MiB", what, MaxBytes>>20)
	case len(text) == 0:
		return apierror.Inputf("%s: it is empty", what)
	case bytes.HasPrefix(text, []byte("PK\x03\x04")):
		return apierror.Inputf("%s: this is terraform's own plan file; write it with `terraform show -json` first", what)
	case bytes.HasPrefix(text, []byte("\xff\xfe")), bytes.HasPrefix(text, []byte("\xfe\xff")):
		return apierror.Inputf("%s: it is written in UTF-16, as PowerShell's > does; write it in UTF-8", what)
	case text[0] == '<':
		return apierror.Inputf("%s: this is a page, not JSON", what)
	case text[0] != '{':
		return apierror.Inputf("%s: it is no JSON object", what)
	case depth(text) > MaxDepth:
		return apierror.Inputf("%s: it is nested more than %d deep", what, MaxDepth)
	}
	return nil
}

// Decode decodes JSON whose numbers keep their digits.
func Decode(what string, data []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	err := decoder.Decode(into)
	if err == nil {
		if _, err = decoder.Token(); errors.Is(err, io.EOF) {
			return nil
		}
		return apierror.Inputf("%s: there is more than one JSON value", what)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return apierror.Inputf("%s: it ends in the middle; it was cut off", what)
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return apierror.Inputf("%s: %s is a %s, which is not expected there", what, wrong.Field, wrong.Value)
	}
	if _, syntax := errors.AsType[*json.SyntaxError](err); syntax {
		return apierror.Inputf("%s: it is no JSON: %v", what, err)
	}
	return apierror.Inputf("%s: %v", what, err)
}

// depth is how deep a JSON text is nested; of other texts, anything.
func depth(text []byte) int {
	deepest, now, quoted := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			now++
			deepest = max(deepest, now)
		case c == '}' || c == ']':
			now--
		}
	}
	return deepest
}
