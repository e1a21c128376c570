package tool

import (
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// fakePlan is the plan file of the fake.
type fakePlan struct {
	Variables map[string]any
	Destroy   bool
}

// fakeTerraform answers as terraform does, for one resource whose size is the variable "size" and whose state is a file
// beside the configuration. It ends with status 1 on what terraform would not take.
func fakeTerraform(args []string) int {
	c := record(args)
	flags := map[string]string{}
	var rest []string
	for _, a := range args[1:] {
		if name, value, found := strings.Cut(a, "="); found && strings.HasPrefix(a, "-") {
			flags[name] = value
		} else if strings.HasPrefix(a, "-") {
			flags[a] = ""
		} else {
			rest = append(rest, a)
		}
	}
	known := map[string][]string{
		"init": {"-input", "-no-color", "-backend-config"}, "plan": {"-input", "-no-color", "-lock-timeout", "-out", "-destroy", "-var-file", "-target"},
		"apply": {"-input", "-no-color", "-lock-timeout"}, "show": {"-no-color", "-json"}, "output": {"-json"},
	}[args[0]]
	for name := range flags {
		if !slices.Contains(known, name) {
			fmt.Fprintf(os.Stderr, "flag provided but not defined: %s\n", name)
			return 1
		}
	}
	if _, err := os.Stat("broken.tf"); err == nil && args[0] == "plan" {
		fmt.Fprintln(os.Stderr, "Error: Unsupported argument "+os.Getenv("FAKE_SECRET"))
		return 1
	}
	if args[0] != "init" {
		if _, err := os.Stat(c.Env["TF_DATA_DIR"]); err != nil {
			fmt.Fprintln(os.Stderr, "Error: Backend initialization required")
			return 1
		}
	}
	return map[string]func(call, map[string]string, []string) int{
		"init": fakeInit, "plan": fakePlanning, "show": fakeShow, "apply": fakeApply, "output": fakeOutput,
	}[args[0]](c, flags, rest)
}

func fakeInit(c call, _ map[string]string, _ []string) int {
	if err := os.MkdirAll(c.Env["TF_DATA_DIR"], 0o700); err != nil {
		return 1
	}
	_ = os.WriteFile(".terraform.lock.hcl", []byte("# locked\n"), 0o600)
	fmt.Fprintln(os.Stdout, "Terraform has been successfully initialized!")
	return 0
}

func fakePlanning(_ call, flags map[string]string, _ []string) int {
	p := fakePlan{Variables: map[string]any{}}
	_, p.Destroy = flags["-destroy"]
	if file := flags["-var-file"]; file != "" {
		data, _ := os.ReadFile(file)
		if json.Unmarshal(data, &p.Variables) != nil {
			return 1
		}
	}
	data, _ := json.Marshal(p)
	if err := os.WriteFile(flags["-out"], data, 0o600); err != nil {
		return 1
	}
	fmt.Fprintln(os.Stdout, "Plan: 1 to add, 0 to change, 0 to destroy.")
	return 0
}

func readFakePlan(file string) (p fakePlan, ok bool) {
	data, err := os.ReadFile(file)
	return p, err == nil && json.Unmarshal(data, &p) == nil
}

func fakeShow(_ call, flags map[string]string, rest []string) int {
	if len(rest) == 0 {
		state, _ := os.ReadFile("terraform.tfstate")
		fmt.Fprintf(os.Stdout, "# store.main is %s\n", state)
		return 0
	}
	p, ok := readFakePlan(rest[0])
	if !ok {
		return 1
	}
	action := "create"
	if p.Destroy {
		action = "delete"
	}
	if _, asJSON := flags["-json"]; !asJSON {
		fmt.Fprintf(os.Stdout, "  # store.main will be %sd, with the password (sensitive value)\n", action)
		return 0
	}
	_ = json.NewEncoder(os.Stdout).Encode(map[string]any{
		"format_version": "1.2", "variables": p.Variables, "prior_state": p.Variables,
		"resource_changes": []any{
			map[string]any{"address": "store.main", "mode": "managed", "type": "store", "name": "main", "change": map[string]any{
				"actions": []string{action}, "before": nil, "after": p.Variables, "after_sensitive": map[string]any{"password": true},
			}},
			map[string]any{"address": "data.zone.a", "mode": "data", "change": map[string]any{"actions": []string{"read"}}},
		},
	})
	return 0
}

func fakeApply(_ call, _ map[string]string, rest []string) int {
	p, ok := readFakePlan(rest[0])
	if !ok {
		return 1
	}
	if _, err := os.Stat("slow.tf"); err == nil {
		stop := make(chan os.Signal, 1)
		signal.Notify(stop, syscall.SIGTERM)
		fmt.Fprintln(os.Stdout, "store.main: Creating...")
		<-stop
		time.Sleep(time.Second) // what was begun takes longer than programs have by default
	}
	state := fmt.Sprint("size ", p.Variables["size"])
	if p.Destroy {
		state = "gone"
	}
	if err := os.WriteFile("terraform.tfstate", []byte(state), 0o600); err != nil {
		return 1
	}
	fmt.Fprintln(os.Stdout, "Apply complete!")
	return 0
}

func fakeOutput(call, map[string]string, []string) int {
	fmt.Fprintln(os.Stdout, `{"address":{"sensitive":false,"type":"string","value":"https://shop.test"},"key":{"sensitive":true,"type":"string","value":"hush-output"}}`)
	return 0
}
