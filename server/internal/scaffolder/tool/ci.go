package tool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/weblink"
)

// ciServer is one entry of callboard.scaffolder.ci.
type ciServer struct {
	kind ciKind
	api  ciAPI
	poll time.Duration
	team string // of concourse
}

// ciKind knows one kind of server. Its calls are made from one goroutine.
type ciKind interface {
	// check refuses an input that says too little for this kind, or too much.
	check(in ciInput) error
	// trigger starts a run. It is asked once: what it answers is how the run is found again.
	trigger(ctx context.Context, s ciServer, in ciInput) (ciRun, error)
	// look asks how the run is.
	look(ctx context.Context, s ciServer, r ciRun) (ciRun, error)
}

// ciRun is a run of a workflow, a pipeline or a job.
type ciRun struct {
	ID     string `json:"id"`
	URL    string `json:"url"`    // for people
	Place  string `json:"place"`  // for look
	Status string `json:"status"` // in the server's word
	Ended  bool   `json:"ended"`
	OK     bool   `json:"ok"`
}

func readCI(s *config.Section) map[string]ciServer {
	servers := map[string]ciServer{}
	for _, name := range s.Keys() {
		entry := s.Section(name)
		known(entry, "type", "url", "token", "user", "password", "team", "pollInterval")
		server, ok := readCIServer(entry)
		if ok {
			servers[name] = server
		}
	}
	return servers
}

func readCIServer(s *config.Section) (ciServer, bool) {
	server := ciServer{poll: s.Duration("pollInterval", 5*time.Second), team: s.String("team", "main")}
	token, user, password := s.String("token", ""), s.String("user", ""), s.String("password", "")
	address := ""
	switch kind := s.String("type", ""); kind {
	case "github":
		address = "https://api.github.com"
		server.kind, server.api.authorize = github{}, bearer(token)
	case "gitlab":
		address = "https://gitlab.com"
		server.kind, server.api.authorize = gitlab{}, header("PRIVATE-TOKEN", token)
	case "jenkins":
		server.kind, server.api.authorize = jenkins{}, basic(user, token)
	case "concourse":
		server.kind = concourse{}
		server.api.authorize = concourseLogin(token, user, password)
	default:
		s.Problem("type", "must be github, gitlab, jenkins or concourse")
		return server, false
	}
	base, err := url.Parse(s.String("url", address))
	if err != nil || (base.Scheme != "https" && base.Scheme != "http") || base.Host == "" || base.RawQuery != "" || base.User != nil {
		s.Problem("url", "must be the http or https address of the server's API, without credentials")
		return server, false
	}
	if server.poll <= 0 {
		s.Problem("pollInterval", "must be longer than nothing")
	}
	server.api.base = strings.TrimSuffix(base.String(), "/")
	server.api.http = ciClient()
	return server, true
}

func ciActions(s *config.Section, _ string, _ Deps) ([]action.Action, error) {
	a, err := define("ci:trigger", "ci-trigger", false, trigger{readCI(s)}.execute)
	return []action.Action{a}, err
}

// trigger performs ci:trigger.
type trigger struct{ servers map[string]ciServer }

type ciInput struct {
	Server       string                     `json:"server"`
	Repository   string                     `json:"repository"`
	Workflow     string                     `json:"workflow"`
	Ref          string                     `json:"ref"`
	Pipeline     string                     `json:"pipeline"`
	Job          string                     `json:"job"`
	Parameters   map[string]json.RawMessage `json:"parameters"`
	Wait         *bool                      `json:"wait"`
	Timeout      float64                    `json:"timeout"` // seconds
	AllowFailure bool                       `json:"allowFailure"`
}

// texts are the parameters as the servers take them.
func (in ciInput) texts() map[string]string {
	all := map[string]string{}
	for name, v := range in.Parameters {
		var text string
		if json.Unmarshal(v, &text) != nil {
			text = string(v)
		}
		all[name] = text
	}
	return all
}

func (c trigger) execute(t *step, in ciInput) error {
	server, ok := c.servers[in.Server]
	if !ok {
		return apierror.Inputf("server: there is no %q in callboard.scaffolder.ci", in.Server)
	}
	if err := server.kind.check(in); err != nil {
		return err
	}
	run, err := start(t, server, in)
	if err != nil {
		return err
	}
	t.Output("runId", run.ID)
	t.Output("url", run.link())
	if in.Wait == nil || *in.Wait {
		if run, err = wait(t, server, in, run); err != nil {
			return err
		}
		t.Output("url", run.link())
	}
	t.Output("status", run.Status)
	t.Output("success", run.OK)
	if run.Ended && !run.OK && !in.AllowFailure {
		return fmt.Errorf("the run %s ended as %s: %s", run.ID, run.Status, run.link())
	}
	return nil
}

// link keeps what a server answers from becoming more than a link.
func (r ciRun) link() string {
	if weblink.Check(r.URL) != nil {
		return ""
	}
	return r.URL
}

// The checkpoints of a step that triggers. None of the servers knows a request that it has seen before, so the run must
// be asked for once: "asked" is stored before, "run" after it. A host that dies while it waits goes on waiting. One that
// died between the two cannot know, and says so rather than start a second run; whoever retries the task then, decides.
const (
	keyAsked = "asked"
	keyRun   = "run"
)

const (
	asked    = "asked"    // the answer is not known
	answered = "answered" // it is, or the user was told that it is not
)

func start(t *step, server ciServer, in ciInput) (ciRun, error) {
	var run ciRun
	if kept, ok := t.Checkpoints[keyRun]; ok && json.Unmarshal(kept, &run) == nil {
		t.Infof("Going on with the run %s: %s", run.ID, run.link())
		return run, nil
	}
	if string(t.Checkpoints[keyAsked]) == `"`+asked+`"` {
		if err := t.Keep(keyAsked, answered); err != nil {
			return run, err
		}
		return run, apierror.Conflictf("the host stopped while it asked %s for a run, and cannot know whether there is one; look there, and retry if there is none", in.Server)
	}
	if err := t.Keep(keyAsked, asked); err != nil {
		return run, err
	}
	run, err := server.kind.trigger(t.Context, server, in)
	if err != nil {
		err = fmt.Errorf("start a run on %s: %w", in.Server, err)
		if t.Context.Err() == nil { // else nobody waited for the answer
			err = errors.Join(err, t.Keep(keyAsked, answered))
		}
		return run, err
	}
	t.Infof("Started the run %s: %s", run.ID, run.link())
	return run, t.Keep(keyRun, run)
}

// maxFailures is how often in a row a server may not answer before the step gives up waiting.
const maxFailures = 10

func wait(t *step, server ciServer, in ciInput, run ciRun) (ciRun, error) {
	timeout := time.Hour
	if in.Timeout > 0 {
		timeout = time.Duration(in.Timeout * float64(time.Second))
	}
	ctx, cancel := context.WithTimeoutCause(t.Context, timeout, fmt.Errorf("the run %s had not ended after %s and goes on: %s", run.ID, timeout, run.link()))
	defer cancel()
	failures := 0
	for {
		next, err := server.kind.look(ctx, server, run)
		var answer *ciError
		switch {
		case ctx.Err() != nil:
			return run, context.Cause(ctx)
		case err == nil:
			failures = 0
		case errors.As(err, &answer) && !answer.temporary(), failures == maxFailures:
			return run, fmt.Errorf("ask for the run %s: %w", run.ID, err)
		default:
			failures++
			t.Warnf("The server does not answer: %s", err)
			next = run
		}
		if err := follow(t, run, next); err != nil || next.Ended {
			return next, err
		}
		run = next
		if err := action.Sleep(ctx, max(server.poll, answer.retryAfter())); err != nil {
			return run, err
		}
	}
}

// follow tells what has changed, and remembers a run that is found elsewhere now.
func follow(t *step, before, now ciRun) error {
	if now.Status != before.Status {
		t.Infof("The run %s is %s", now.ID, now.Status)
	}
	if now.Place != before.Place {
		return t.Keep(keyRun, now)
	}
	return nil
}

// need reports the first of the fields, given as name and value in turn, that is missing.
func need(kind string, fields ...string) error {
	for pair := range slices.Chunk(fields, 2) {
		if pair[1] == "" {
			return apierror.Inputf("%s: it is needed for a server of the type %s", pair[0], kind)
		}
	}
	return nil
}

// unwanted reports the first of the fields that is given.
func unwanted(kind string, fields ...string) error {
	for pair := range slices.Chunk(fields, 2) {
		if pair[1] != "" {
			return apierror.Inputf("%s: a server of the type %s has no use for it", pair[0], kind)
		}
	}
	return nil
}
