package tool

import (
	"encoding/json"
	"path/filepath"
	"strings"
)

const (
	maxShow = 64 << 20 // of terraform's own JSON, which is read and shortened
	maxJSON = 1 << 20  // of what a step puts out
	maxText = 256 << 10
)

type planInput struct {
	Folder    string          `json:"workingDirectory"`
	Variables json.RawMessage `json:"variables"`
	Backend   json.RawMessage `json:"backendConfig"`
	Destroy   bool            `json:"destroy"`
	Targets   []string        `json:"targets"`
}

// plan plans and keeps the plan. Running it again makes another plan, which harms nobody.
func (f *terraform) plan(t *step, in planInput) error {
	s, end, err := f.begin(t, in.Folder)
	if err != nil {
		return err
	}
	defer end()
	r, err := s.makePlan(in)
	if err != nil {
		return err
	}
	if !t.DryRun { // a plan of a dry run must not be applied
		if r, err = f.plans.put(r); err != nil {
			return err
		}
		t.Infof("The plan %s is kept for %s. Its hash is %s", r.ID, inDays(f.keep), r.Hash)
		t.Output("planId", r.ID)
		t.Output("planHash", r.Hash)
	}
	t.tellPlan(r.Shown)
	return nil
}

// makePlan leaves the plan in the session's file too.
func (s *session) makePlan(in planInput) (planRecord, error) {
	r := planRecord{Task: s.Task, User: s.User, Folder: s.rel, Backend: in.Backend}
	var err error
	if r.Config, err = s.configHash(); err != nil {
		return r, err
	}
	if err := s.connect(in.Backend); err != nil {
		return r, err
	}
	args, err := s.planArgs(in)
	if err != nil {
		return r, err
	}
	if err := s.call(args...); err != nil {
		return r, err
	}
	if r.Plan, err = s.scratch.ReadFile(planFile); err != nil {
		return r, err
	}
	if found, err := s.dir.Exists(s.in(lockFile)); err != nil {
		return r, err
	} else if found { // a configuration without providers has none
		if r.Lock, err = s.dir.ReadFile(s.in(lockFile)); err != nil {
			return r, err
		}
	}
	r.Shown, err = s.showPlan()
	return r, err
}

const planFile = "plan.tfplan"

func (s *session) planArgs(in planInput) ([]string, error) {
	args := []string{"plan", "-input=false", "-no-color", "-lock-timeout=60s", "-out=" + filepath.Join(s.scratch.Name(), planFile)}
	if in.Destroy {
		args = append(args, "-destroy")
	}
	for _, target := range in.Targets {
		args = append(args, "-target="+target)
	}
	if len(in.Variables) > 0 {
		file, err := s.write("variables.tfvars.json", in.Variables)
		if err != nil {
			return nil, err
		}
		args = append(args, "-var-file="+file)
	}
	return args, nil
}

// showPlan reads the plan in the session's file, as people read it and as data.
func (s *session) showPlan() (shownPlan, error) {
	file := filepath.Join(s.scratch.Name(), planFile)
	text, err := s.inspect(s.programSettings, s.command("show", "-no-color", file))
	if err != nil {
		return shownPlan{}, err
	}
	data, err := s.inspect(s.programSettings, s.command("show", "-json", file))
	if err != nil {
		return shownPlan{}, err
	}
	shown, err := readPlan(data)
	shown.Text = shorten(s.hidden.Redact(string(text)))
	if len(shown.JSON) > maxJSON {
		shown.JSON = nil
	}
	return shown, err
}

// tellPlan sets the outputs that plan and show have in common.
func (t *step) tellPlan(shown shownPlan) {
	t.Output("summary", shown.Summary)
	t.Output("changed", shown.Changed)
	t.Output("text", shown.Text)
	if shown.JSON == nil {
		t.Warnf("The plan as JSON is longer than %d bytes and is left out", maxJSON)
		return
	}
	t.Output("json", shown.JSON)
}

func shorten(text string) string {
	if len(text) > maxText {
		return strings.ToValidUTF8(text[:maxText], "") + "\n… the rest is left out"
	}
	return text
}

type showInput struct {
	PlanID  string          `json:"planId"`
	Folder  string          `json:"workingDirectory"`
	Backend json.RawMessage `json:"backendConfig"`
}

// show shows a kept plan, else the state of a folder's stack.
func (f *terraform) show(t *step, in showInput) error {
	if in.PlanID == "" {
		return f.showState(t, in)
	}
	r, err := f.plans.get(in.PlanID)
	if err != nil {
		return err
	}
	t.Infof("%s", r.Shown.Text)
	t.Output("planId", r.ID)
	t.Output("planHash", r.Hash)
	t.Output("createdAt", r.Created)
	t.Output("createdBy", r.User)
	t.tellPlan(r.Shown)
	return nil
}

func (f *terraform) showState(t *step, in showInput) error {
	s, end, err := f.begin(t, in.Folder)
	if err != nil {
		return err
	}
	defer end()
	if err := s.connect(in.Backend); err != nil {
		return err
	}
	text, err := s.inspect(s.programSettings, s.command("show", "-no-color"))
	if err != nil {
		return err
	}
	shown := shorten(s.hidden.Redact(string(text)))
	s.Infof("%s", shown)
	s.Output("text", shown)
	return s.tellOutputs()
}
