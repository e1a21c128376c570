package tfplan

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// configuration is the part of the format that says which provider configuration a resource has. The scaffolder's
// terraform actions leave it out of their output; regions are then those of the attributes.
type configuration struct {
	Providers map[string]provider `json:"provider_config"`
	Root      module              `json:"root_module"`
}

type provider struct {
	Module      string                     `json:"module_address"`
	Expressions map[string]json.RawMessage `json:"expressions"`
}

type module struct {
	Resources []configured          `json:"resources"`
	Calls     map[string]moduleCall `json:"module_calls"`
}

type configured struct {
	Address     string                     `json:"address"`
	ProviderKey string                     `json:"provider_config_key"`
	Expressions map[string]json.RawMessage `json:"expressions"`
}

type moduleCall struct {
	Expressions map[string]json.RawMessage `json:"expressions"`
	Module      module                     `json:"module"`
}

type expression struct {
	Constant   any      `json:"constant_value"`
	References []string `json:"references"`
}

// atlas finds things of the configuration by addresses without indexes.
type atlas struct {
	document

	resources map[string]configured // "module.a.aws_instance.x"
	calls     map[string]moduleCall // "module.a.module.b"
}

func (d document) atlas() atlas {
	a := atlas{d, map[string]configured{}, map[string]moduleCall{}}
	a.add("", d.Configuration.Root)
	return a
}

func (a atlas) add(prefix string, m module) {
	for _, r := range m.Resources {
		a.resources[prefix+r.Address] = r
	}
	for name, call := range m.Calls {
		path := prefix + "module." + name
		a.calls[path] = call
		a.add(path+".", call.Module)
	}
}

// locate sets the regions: what a resource itself says, else what its provider configuration says, else where the resources
// are that it refers to. Azure's databases, for one, are where their servers are.
func (a atlas) locate(resources []Resource) {
	known := map[string]string{}
	for _, r := range resources {
		address := withoutIndexes(r.Address)
		for _, at := range r.sides() {
			if at.region = at.ownRegion(); at.region == "" {
				at.region = a.providerRegion(address)
			}
			if at.region != "" {
				known[address] = at.region
			}
		}
	}
	for _, r := range resources {
		for _, at := range r.sides() {
			if at.region == "" {
				at.region = a.referredRegion(withoutIndexes(r.Address), known)
			}
		}
	}
}

// sides are the attributes that there are.
func (r Resource) sides() []*Attributes {
	return slices.DeleteFunc([]*Attributes{r.Before, r.After}, func(a *Attributes) bool { return a == nil })
}

var (
	arn = regexp.MustCompile(`^arn:aws[a-z-]*:[a-z0-9-]+:([a-z]{2}(?:-[a-z]+)+-\d+):`)
	// awsZone begins with its region; local zones have more after it.
	awsZone = regexp.MustCompile(`^([a-z]{2}(?:-[a-z]+)+-\d+)`)
	gcpZone = regexp.MustCompile(`^([a-z]+-[a-z]+\d+)(?:-[a-z])?$`)
)

// ownRegion is what the attributes say.
func (a *Attributes) ownRegion() string {
	if text, state := a.Text("region"); state == Known && text != "" {
		return text
	}
	if text, _ := a.Text("availability_zone"); awsZone.MatchString(text) {
		return awsZone.FindString(text)
	}
	if text, _ := a.Text("arn"); arn.MatchString(text) {
		return arn.FindStringSubmatch(text)[1]
	}
	for _, name := range []string{"zone", "location"} {
		text, state := a.Text(name)
		if m := gcpZone.FindStringSubmatch(text); m != nil {
			return m[1]
		}
		if state == Known && text != "" {
			return strings.ToLower(strings.ReplaceAll(text, " ", "")) // Azure's "West Europe" is westeurope
		}
	}
	return ""
}

// providerRegion is the region of the provider configuration of a resource.
func (a atlas) providerRegion(address string) string {
	key := a.resources[address].ProviderKey
	p, ok := a.Configuration.Providers[key]
	if !ok { // earlier versions prefix what a module inherits
		p = a.Configuration.Providers[key[strings.LastIndexByte(key, ':')+1:]]
	}
	for _, name := range []string{"region", "zone"} {
		text, _ := a.evaluate(p.Expressions[name], p.Module).(string)
		if awsZone.MatchString(text) {
			return awsZone.FindString(text)
		}
		if m := gcpZone.FindStringSubmatch(text); m != nil {
			return m[1]
		}
	}
	return ""
}

// evaluate gives the value of an expression in a module ("" = the root): of constants, and of variables. Terraform writes
// only the references of an expression: "${var.a}-1" looks like var.a here, so the caller has to check the value.
func (a atlas) evaluate(raw json.RawMessage, module string) any {
	var e expression
	if len(raw) == 0 || json.Unmarshal(raw, &e) != nil {
		return nil
	}
	if e.Constant != nil {
		return e.Constant
	}
	if len(e.References) != 1 {
		return nil
	}
	name, isVariable := strings.CutPrefix(e.References[0], "var.")
	switch {
	case !isVariable:
		return nil
	case module == "":
		return a.Variables[name].Value
	}
	parent := strings.TrimSuffix(module[:max(strings.LastIndex(module, "module."), 0)], ".")
	return a.evaluate(a.calls[module].Expressions[name], parent)
}

// placing are the arguments that tie a resource to one that is at the same place.
var placing = []string{"server_id", "server_name", "cluster", "cluster_name", "kubernetes_cluster_id", "resource_group_name"}

// referredRegion is the region of the first resource of the same module that a resource refers to, and whose region is known.
func (a atlas) referredRegion(address string, known map[string]string) string {
	c := a.resources[address]
	prefix := strings.TrimSuffix(address, c.Address)
	for _, name := range placing {
		var e expression
		if json.Unmarshal(c.Expressions[name], &e) != nil {
			continue
		}
		for _, ref := range e.References {
			parts := strings.SplitN(withoutIndexes(ref), ".", 3)
			if len(parts) < 2 {
				continue
			}
			if region := known[prefix+parts[0]+"."+parts[1]]; region != "" {
				return region
			}
		}
	}
	return ""
}

// withoutIndexes removes [0] and ["key"], whose keys may hold anything.
func withoutIndexes(address string) string {
	var out strings.Builder
	inside, quoted := false, false
	for i := 0; i < len(address); i++ {
		switch c := address[i]; {
		case inside && quoted && c == '\\':
			i++
		case inside && c == '"':
			quoted = !quoted
		case inside && !quoted && c == ']':
			inside = false
		case inside:
		case c == '[':
			inside = true
		case c == ' ':
			return out.String() // "(deposed …)"
		default:
			out.WriteByte(c)
		}
	}
	return out.String()
}
