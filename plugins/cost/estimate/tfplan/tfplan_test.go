package tfplan

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

func recorded(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile("../testdata/aws.plan.json")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func planned(t *testing.T, data []byte) map[string]Resource {
	t.Helper()
	p, err := Read(data)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]Resource{}
	for _, r := range p.Resources {
		found[r.Address] = r
	}
	return found
}

func TestRead_KnowsWhatHappensToEachResource(t *testing.T) {
	found := planned(t, recorded(t))
	if len(found) != 22 {
		t.Errorf("%d resources, want 22", len(found))
	}
	for address, want := range map[string]Action{
		"aws_instance.bastion": Update, "aws_instance.batch": Replace, "aws_instance.old": Delete, "aws_ebs_volume.kept": NoOp,
		`aws_ebs_volume.data["stock"]`: Create, "module.web.aws_instance.app[1]": Create,
	} {
		r := found[address]
		if r.Action != want || (r.Before == nil) != (want == Create) || (r.After == nil) != (want == Delete) {
			t.Errorf("%s: %s, before %v, after %v; want %s", address, r.Action, r.Before != nil, r.After != nil, want)
		}
	}
	if r := found["aws_instance.bastion"]; r.Provider != "aws" || r.Type != "aws_instance" {
		t.Errorf("%+v", r)
	}
}

func TestRead_KnowsTheRegionOfEachResource(t *testing.T) {
	found := planned(t, recorded(t))
	for address, want := range map[string]string{
		"module.web.aws_instance.app[0]":  "eu-west-1", // of the provider's region, which is a variable
		"module.edge.aws_instance.app[0]": "us-east-1", // of the module's provider, which is an alias
		`aws_ebs_volume.data["orders"]`:   "eu-west-1", // of its zone
		"terraform_data.marker":           "",
	} {
		if got := found[address].After.Region(); got != want {
			t.Errorf("%s is in %q, want %q", address, got, want)
		}
	}
	if got := found["aws_instance.old"].Before.Region(); got != "eu-west-1" {
		t.Errorf("what is deleted was in %q", got)
	}
}

func TestRead_TellsWhatIsNotKnownFromWhatIsNotSet(t *testing.T) {
	after := planned(t, recorded(t))["module.web.aws_instance.app[0]"].After
	for path, want := range map[string]struct {
		text  string
		state State
	}{
		"instance_type": {"t3.medium", Known}, "root_block_device.0.volume_size": {"30", Known}, "source_dest_check": {"true", Known},
		"root_block_device.0.iops": {"", Unknown}, "tenancy": {"", Unknown}, "metadata_options.0.http_tokens": {"", Unknown},
		"hibernation": {"", Absent}, "nothing": {"", Absent}, "root_block_device": {"", Absent}, "root_block_device.7.iops": {"", Absent},
		"root_block_device.-1.iops": {"", Absent}, "instance_type.x": {"", Absent}, "": {"", Absent},
	} {
		if text, state := after.Text(path); text != want.text || state != want.state {
			t.Errorf("%q is %q, %v; want %q, %v", path, text, state, want.text, want.state)
		}
	}
	if n := after.Len("ebs_block_device"); n != 1 {
		t.Errorf("%d blocks", n)
	}
}

// with is a plan of one change, and a configuration.
func with(change, configuration string) []byte {
	return []byte(`{"format_version":"1.0","variables":{"r":{"value":"eu-north-1"},"odd":{"value":"north"}},"configuration":` + configuration + `,"resource_changes":[` + change + `]}`)
}

func changing(address, attributes string) string {
	quoted, _ := json.Marshal(address)
	return `{"address":` + string(quoted) + `,"mode":"managed","type":"t","name":"x","provider_name":"aws","change":{"actions":["create"],"after":` + attributes + `}}`
}

func TestRead_FindsRegionsWhereverTheyAreWritten(t *testing.T) {
	module := func(provider string) string {
		return `{"provider_config":` + provider + `,"root_module":{"module_calls":{"m":{"expressions":{"where":{"references":["var.r"]}},"module":{
			"module_calls":{"n":{"expressions":{"deep":{"references":["var.where"]}},"module":{"resources":[{"address":"t.x","provider_config_key":"module.m.module.n:aws"}]}}}}}}}}`
	}
	for name, c := range map[string]struct{ change, configuration, want string }{
		"attribute":        {changing("t.x", `{"region":"eu-south-2"}`), `{}`, "eu-south-2"},
		"local zone":       {changing("t.x", `{"availability_zone":"us-west-2-lax-1a"}`), `{}`, "us-west-2"},
		"arn":              {changing("t.x", `{"arn":"arn:aws-us-gov:rds:us-gov-west-1:1:db:x"}`), `{}`, "us-gov-west-1"},
		"Azure":            {changing("t.x", `{"location":"North Europe"}`), `{}`, "northeurope"},
		"Google's zone":    {changing("t.x", `{"zone":"europe-west3-a"}`), `{}`, "europe-west3"},
		"Google's cluster": {changing("t.x", `{"location":"us-central1-f"}`), `{}`, "us-central1"},
		"variable": {
			changing("t.x[0]", `{}`), `{"provider_config":{"aws":{"expressions":{"region":{"references":["var.r"]}}}},"root_module":{"resources":[{"address":"t.x","provider_config_key":"aws"}]}}`, "eu-north-1",
		},
		"variable of a module of a module": {
			changing(`module.m["a.b]"].module.n[1].t.x["]"]`, `{}`), module(`{"module.m.module.n:aws":{"module_address":"module.m.module.n","expressions":{"region":{"references":["var.deep"]}}}}`), "eu-north-1",
		},
		"inherited": {
			changing("module.m.module.n.t.x", `{}`), module(`{"aws":{"expressions":{"region":{"constant_value":"sa-east-1"}}}}`), "sa-east-1",
		},
		"not a region": {
			changing("t.x", `{}`), `{"provider_config":{"aws":{"expressions":{"region":{"references":["var.odd"]}}}},"root_module":{"resources":[{"address":"t.x","provider_config_key":"aws"}]}}`, "",
		},
		"computed": {
			changing("t.x", `{}`), `{"provider_config":{"aws":{"expressions":{"region":{"references":["var.r","local.x"]}}}},"root_module":{"resources":[{"address":"t.x","provider_config_key":"aws"}]}}`, "",
		},
		"its server": {
			changing("t.server", `{"location":"uksouth"}`) + "," + changing("t.x", `{}`),
			`{"root_module":{"resources":[{"address":"t.x","expressions":{"server_id":{"references":["t.server.id","t.server"]}}},{"address":"t.server"}]}}`, "uksouth",
		},
	} {
		p, err := Read(with(c.change, c.configuration))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := p.Resources[len(p.Resources)-1].After.Region(); got != c.want {
			t.Errorf("%s: region %q, want %q", name, got, c.want)
		}
	}
}

func TestRead_LeavesOutWhatNobodyPaysFor(t *testing.T) {
	data := `{"format_version":"1.2","resource_changes":[
		{"address":"data.a.b","mode":"data","type":"a","change":{"actions":["read"]}},
		{"address":"a.gone","mode":"managed","type":"a","change":{"actions":["forget"],"before":{}}},
		{"address":"a.new","mode":"managed","type":"a","change":{"actions":["create","forget"],"before":{},"after":{}}},
		{"address":"a.old","mode":"managed","type":"a","deposed":"4d1b","change":{"actions":["delete"],"before":{}}},
		{"address":"a.first","mode":"managed","type":"a","change":{"actions":["create","delete"],"before":{},"after":{"x":"(sensitive value)"}}}]}`
	p, err := Read([]byte(data))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range p.Resources {
		got = append(got, string(r.Action)+" "+r.Address)
	}
	want := []string{"create a.new", "delete a.old (deposed 4d1b)", "replace a.first"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if _, state := p.Resources[2].After.Text("x"); state != Unknown {
		t.Error("a hidden value counts as known")
	}
}

func FuzzRead(f *testing.F) {
	f.Add(recorded(f))
	f.Add(with(changing(`module.m["a"].t.x[0]`, `{"a":[{"b":1}]}`), `{"root_module":{"module_calls":{"m":{"module":{"resources":[{"address":"t.x"}]}}}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Read(data)
		if err != nil {
			return
		}
		for _, r := range p.Resources {
			if r.Before == nil && r.After == nil || strings.TrimSpace(r.Type) == "" && r.Type == "" {
				t.Fatalf("%+v", r)
			}
			for _, a := range r.sides() {
				a.Text("a.0.b")
				a.Len("a")
			}
		}
	})
}
