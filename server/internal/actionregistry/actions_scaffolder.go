package actionregistry

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"unicode/utf16"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/principal"
)

// scaffolderActions are the actions of the feature scaffolder.
type scaffolderActions struct{ *client }

func (a scaffolderActions) all() map[string]run {
	return map[string]run{
		"execute-template": typed(a.execute), "dry-run-template": typed(a.dryRun), "list-scaffolder-actions": typed(a.listActions),
		"list-scaffolder-tasks": typed(a.listTasks), "get-scaffolder-task-logs": typed(a.logs),
	}
}

func (a scaffolderActions) scaffolder(method, path string) request {
	return request{target: "scaffolder", method: method, path: path}
}

// execution is the input of execute-template.
type execution struct {
	Template string            `json:"templateRef"`
	Values   json.RawMessage   `json:"values"`
	Secrets  map[string]string `json:"secrets,omitempty"`
}

// execute starts a task. Where the scaffolder refuses, the error has the status of the refusal; the reference answers 500
// to every one.
func (a scaffolderActions) execute(ctx context.Context, caller *principal.Principal, in execution) (any, error) {
	q := a.scaffolder(http.MethodPost, "/v2/tasks")
	q.body = in
	var task struct {
		ID string `json:"id"`
	}
	if err := a.decode(ctx, caller, q, &task); err != nil {
		return nil, err
	}
	return map[string]string{"taskId": task.ID}, nil
}

// rehearsal is the input of dry-run-template.
type rehearsal struct {
	Template string          `json:"templateYaml"`
	Values   json.RawMessage `json:"values"`
	Files    []struct {
		Path    string `json:"path"`
		Content string `json:"content"`
	} `json:"files"`
}

// file is one of the template's folder, as a dry run takes it.
type file struct {
	Path    string `json:"path"`
	Content string `json:"base64Content"`
}

// line is one of the log, with the members that are shown.
type line struct {
	Message string `json:"message"`
	StepID  string `json:"stepId,omitempty"`
	Status  string `json:"status,omitempty"`
}

// rehearsed is the output of dry-run-template.
type rehearsed struct {
	Valid   bool            `json:"valid"`
	Message string          `json:"message"`
	Errors  []string        `json:"errors,omitempty"`
	Log     []line          `json:"log,omitempty"`
	Output  json.RawMessage `json:"output,omitempty"`
	Steps   []step          `json:"steps,omitempty"`
}

type step struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Action string `json:"action"`
}

// maxContent is where the content of a file is replaced by a remark, counted as the reference counts it.
const maxContent = 64 << 10

func (a scaffolderActions) dryRun(ctx context.Context, caller *principal.Principal, in rehearsal) (any, error) {
	template, wrong := oneDocument(in.Template)
	if wrong != nil {
		list := slices.DeleteFunc([]string{wrong.message, wrong.place}, func(s string) bool { return s == "" })
		return rehearsed{Message: "Failed to parse YAML template", Errors: list}, nil
	}
	if in.Values == nil {
		in.Values = json.RawMessage(`{}`)
	}
	files := make([]file, len(in.Files))
	for i, f := range in.Files {
		if len(utf16.Encode([]rune(f.Content))) > maxContent {
			f.Content = "<file too large>"
		}
		files[i] = file{f.Path, base64.StdEncoding.EncodeToString([]byte(f.Content))}
	}
	q := a.scaffolder(http.MethodPost, "/v2/dry-run")
	q.body = map[string]any{"template": template, "values": in.Values, "directoryContents": files}
	var report struct {
		Log []struct {
			Body line `json:"body"`
		} `json:"log"`
		Output json.RawMessage `json:"output"`
		Steps  []step          `json:"steps"`
	}
	if err := a.decode(ctx, caller, q, &report); err != nil {
		return nil, err
	}
	out := rehearsed{Valid: true, Message: "Template validation successful", Output: report.Output, Steps: report.Steps}
	for _, l := range report.Log {
		out.Log = append(out.Log, l.Body)
	}
	return out, nil
}

// listed is an installed action of the scaffolder.
type listed struct {
	ID          string `json:"id"`
	Description string `json:"description"`
	Schema      struct {
		Input  json.RawMessage `json:"input"`
		Output json.RawMessage `json:"output"`
	} `json:"schema"`
	Examples json.RawMessage `json:"examples"`
}

func (a scaffolderActions) listActions(ctx context.Context, caller *principal.Principal, _ struct{}) (any, error) {
	all := []listed{}
	if err := a.decode(ctx, caller, a.scaffolder(http.MethodGet, "/v2/actions"), &all); err != nil {
		return nil, err
	}
	for i := range all {
		for member, empty := range map[*json.RawMessage]string{&all[i].Schema.Input: `{}`, &all[i].Schema.Output: `{}`, &all[i].Examples: `[]`} {
			if *member == nil {
				*member = json.RawMessage(empty)
			}
		}
	}
	slices.SortFunc(all, func(x, y listed) int { return cmp.Compare(x.ID, y.ID) })
	return map[string]any{"actions": all}, nil
}

// taskQuery is the input of list-scaffolder-tasks.
type taskQuery struct {
	Owned  bool            `json:"owned"`
	Limit  *int64          `json:"limit"`
	Offset *int64          `json:"offset"`
	Status json.RawMessage `json:"status"` // a text or a list of texts
}

// task is what is shown of one.
type task struct {
	ID              string          `json:"id"`
	Spec            json.RawMessage `json:"spec,omitempty"`
	Status          string          `json:"status"`
	CreatedAt       string          `json:"createdAt"`
	LastHeartbeatAt string          `json:"lastHeartbeatAt,omitempty"`
}

func (a scaffolderActions) listTasks(ctx context.Context, caller *principal.Principal, in taskQuery) (any, error) {
	q := a.scaffolder(http.MethodGet, "/v2/tasks")
	q.query = url.Values{}
	if in.Owned {
		if caller.Kind != principal.User {
			return nil, apierror.NotAllowedf("Filtering by owned tasks requires a user identity.")
		}
		q.query.Set("createdBy", caller.Subject)
	}
	for name, n := range map[string]*int64{"limit": in.Limit, "offset": in.Offset} {
		if n != nil {
			q.query.Set(name, strconv.FormatInt(*n, 10))
		}
	}
	var status string
	if json.Unmarshal(in.Status, &status) == nil {
		q.query.Set("status", status)
	} else if in.Status != nil {
		var several []string
		_ = json.Unmarshal(in.Status, &several) // has passed the schema
		q.query["status"] = several
	}
	var found struct {
		Tasks []task  `json:"tasks"`
		Total float64 `json:"totalTasks"`
	}
	if err := a.decode(ctx, caller, q, &found); err != nil {
		return nil, err
	}
	if found.Tasks == nil {
		found.Tasks = []task{}
	}
	return map[string]any{"tasks": found.Tasks, "totalTasks": found.Total}, nil
}

// logQuery is the input of get-scaffolder-task-logs.
type logQuery struct {
	Task  string `json:"taskId"`
	After *int64 `json:"after"`
}

// event is one of a task, with the members that are shown.
type event struct {
	ID        json.Number `json:"id"`
	Task      string      `json:"taskId"`
	CreatedAt string      `json:"createdAt"`
	Type      string      `json:"type"`
	Body      line        `json:"body"`
}

// logs answers at once when there are events, else when there is one or the scaffolder's long poll ends.
func (a scaffolderActions) logs(ctx context.Context, caller *principal.Principal, in logQuery) (any, error) {
	q := a.scaffolder(http.MethodGet, "/v2/tasks/"+url.PathEscape(in.Task)+"/events")
	if in.After != nil {
		q.query = url.Values{"after": {strconv.FormatInt(*in.After, 10)}}
	}
	events := []event{}
	if err := a.decode(ctx, caller, q, &events); err != nil {
		return nil, err
	}
	return map[string]any{"events": events}, nil
}
