package conformance

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/callboard/callboard/sdk/excerpt"
	"github.com/callboard/callboard/sdk/pluginv1"
)

var startRules = []Rule{
	{ID: "start.handshake", Level: Must, Sentence: "It serves rpc.sock and prints the handshake within 5 s, and nothing before it.", check: checkHandshake},
	{ID: "start.health", Level: Must, Sentence: "The health service says SERVING, for \"plugin\" and for \"\".", check: checkHealth},
	{ID: "start.sockets", Level: Must, Sentence: "http.sock is there with the handshake if it has routes, and not otherwise.", check: checkSockets},
}

func checkHandshake(ctx context.Context, b *bench) error {
	started := time.Now()
	if _, err := b.process(ctx); err != nil || time.Since(started) < handshakeTime {
		return err
	}
	// The machine may be busy: it counts if it is slow again.
	started = time.Now()
	p, err := b.start(ctx)
	if err != nil {
		return err
	}
	p.end()
	if time.Since(started) > handshakeTime {
		return found("Load data after the handshake, in the background.", "Its handshake takes longer than %s", handshakeTime)
	}
	return nil
}

func checkHealth(ctx context.Context, b *bench) error {
	p, err := b.process(ctx)
	if err != nil {
		return err
	}
	const advice = "Serve grpc.health.v1.Health with SERVING from the handshake on; a plugin that lacks something answers CheckHealth with DEGRADED instead."
	for _, service := range []string{"plugin", ""} {
		var last string
		ok := waitFor(ctx, 2*time.Second, func() bool {
			ctx, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			answer, err := grpc_health_v1.NewHealthClient(p.conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: service})
			last = answer.GetStatus().String()
			if err != nil {
				last = describeError(err)
			}
			return err == nil && answer.GetStatus() == grpc_health_v1.HealthCheckResponse_SERVING
		})
		if !ok {
			return found(advice, "Health of %q is %s", service, last)
		}
	}
	return nil
}

func checkSockets(ctx context.Context, b *bench) error {
	p, err := b.process(ctx)
	if err != nil {
		return err
	}
	_, err = os.Stat(filepath.Join(p.runtime, "http.sock"))
	there := err == nil
	switch says := b.described.GetProvides().GetHttp(); {
	case says && errors.Is(err, fs.ErrNotExist):
		return found("Listen on http.sock before the handshake, or leave out provides.http.", "Describe says that it has routes, and there is no http.sock")
	case !says && there:
		return found("Say provides.http in Describe and provides.http in plugin.yaml, or do not listen.", "There is an http.sock, and Describe does not say that it has routes")
	}
	if there {
		c, err := p.dialWeb(ctx, "", "")
		if err != nil {
			return found("Listen before the handshake is printed.", "Nothing answers on http.sock: %v", rootCause(err))
		}
		c.Close()
	}
	return nil
}

var describeRules = []Rule{
	{ID: "describe.identity", Level: Must, Sentence: "It says the id and the version that the manifest has.", check: checkIdentity},
	{ID: "describe.within", Level: Must, Sentence: "It offers nothing that the manifest does not announce.", check: checkWithin},
	{ID: "describe.unauthenticated", Level: Must, Sentence: "Its routes without credentials are exactly those that the manifest declares.", check: checkOpenRoutes},
	{ID: "describe.mode", Level: Must, Sentence: "With CALLBOARD_DESCRIBE=1 it prints the same as JSON and ends, without a host.", check: checkDescribeMode},
	{ID: "describe.schema", Level: Must, Sentence: "The schema of its settings is a JSON Schema of an object, the same as in the package.", check: checkSchema},
	{ID: "describe.people", Level: Should, Sentence: "It has a title and a licence.", check: checkPeople},
}

func checkIdentity(ctx context.Context, b *bench) error {
	if _, err := b.process(ctx); err != nil {
		return err
	}
	id, version, m := b.described.GetId(), b.described.GetVersion(), b.target.Manifest
	switch {
	case !idForm.MatchString(id):
		return found("An id is a lower-case letter, then up to 49 lower-case letters, digits and hyphens.", "It says that its id is %q", excerpt.Of(id, 60))
	case !versionForm.MatchString(version):
		return found("A version has three numbers: 1.4.0.", "It says that its version is %q", excerpt.Of(version, 60))
	case m != nil && id != m.ID:
		return found("Make both the same.", "It says that it is %s, and the manifest that it is %s", id, m.ID)
	case m != nil && version != m.Version:
		return found("Make both the same; was it built again since the version was changed?", "It says that its version is %s, and the manifest %s", version, m.Version)
	}
	return nil
}

// kind is one list of what a plugin provides.
type kind struct {
	what, key string
	names     func(*pluginv1.Provides) []string
	service   string
}

var kinds = []kind{
	{"the entity provider", "catalog.providers", (*pluginv1.Provides).GetCatalogProviders, "CatalogProviderService"},
	{"the processor", "catalog.processors", (*pluginv1.Provides).GetCatalogProcessors, "CatalogProcessorService"},
	{"the action", "scaffolder.actions", (*pluginv1.Provides).GetScaffolderActions, "ScaffolderActionsService"},
	{"the template filter", "scaffolder.filters", (*pluginv1.Provides).GetScaffolderFilters, "TemplateFiltersService"},
	{"the document type", "search.types", (*pluginv1.Provides).GetSearchTypes, "SearchCollatorService"},
	{"the widget", "widgets", (*pluginv1.Provides).GetWidgets, "WidgetsService"},
	{"the task", "tasks", (*pluginv1.Provides).GetTasks, "TasksService"},
	{"the permission", "permissions", (*pluginv1.Provides).GetPermissions, "PermissionRulesService"},
	{"the permission rule", "permissionRules", (*pluginv1.Provides).GetPermissionRules, "PermissionRulesService"},
	{"the event topic", "events.topics", (*pluginv1.Provides).GetEventTopics, "EventsService"},
}

func checkWithin(ctx context.Context, b *bench) error {
	if _, err := b.process(ctx); err != nil {
		return err
	}
	m := b.target.Manifest
	if m == nil {
		return skip("There is no manifest to compare with.")
	}
	says := b.described.GetProvides()
	for _, k := range kinds {
		for _, name := range k.names(says) {
			if !slices.Contains(k.names(m.Provides), name) {
				return found("Add it to provides."+k.key+" of plugin.yaml, which operators approve, or do not offer it.", "It offers %s %s, which the manifest does not announce", k.what, name)
			}
		}
	}
	if says.GetHttp() && !m.Provides.GetHttp() {
		return found("Add provides.http to plugin.yaml.", "It has routes, which the manifest does not announce")
	}
	return nil
}

func checkOpenRoutes(ctx context.Context, b *bench) error {
	if _, err := b.process(ctx); err != nil {
		return err
	}
	m, says := b.target.Manifest, b.described.GetProvides()
	if m == nil {
		return skip("There is no manifest to compare with.")
	}
	const advice = "Name the same paths in provides.http of plugin.yaml and in the code: an operator approves what the manifest says."
	for _, list := range []struct {
		what        string
		says, names []string
	}{
		{"without credentials", says.GetHttpUnauthenticated(), m.Provides.GetHttpUnauthenticated()},
		{"with a user's cookie", says.GetHttpUserCookie(), m.Provides.GetHttpUserCookie()},
	} {
		for _, path := range list.says {
			if !slices.Contains(list.names, path) {
				return found(advice, "It answers %s %s, which the manifest does not declare", path, list.what)
			}
		}
		for _, path := range list.names {
			if !slices.Contains(list.says, path) {
				return found(advice, "The manifest declares %s %s, and the process does not", path, list.what)
			}
		}
	}
	return nil
}

func checkServices(ctx context.Context, b *bench) error {
	p, err := b.plugin(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	for _, k := range kinds {
		names := k.names(b.described.GetProvides())
		served := slices.Contains(b.described.GetServices(), "callboard.plugin.v1."+k.service)
		if len(names) > 0 && !served {
			return found("Name callboard.plugin.v1."+k.service+" in services.", "It provides %s %s, and does not name its service", k.what, names[0])
		}
		if !served || k.key == "events.topics" {
			continue
		}
		listed, err := p.list(ctx, k)
		if err != nil {
			return found("Serve what Describe names, or leave it out.", "It names %s, and listing its %s fails with %s", k.service, k.key, describeError(err))
		}
		if !sameNames(listed, names) {
			return found("Make both the same.", "Describe provides %s %v, and its service lists %v", k.key, names, listed)
		}
	}
	return nil
}

func sameNames(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

// list asks the service of a kind for its names.
func (p *instance) list(ctx context.Context, k kind) (names []string, err error) {
	switch k.key {
	case "catalog.providers":
		r, e := pluginv1.NewCatalogProviderServiceClient(p.conn).ListProviders(ctx, &pluginv1.ListProvidersRequest{})
		return namesOf(r.GetProviders(), (*pluginv1.CatalogProvider).GetName), e
	case "catalog.processors":
		r, e := pluginv1.NewCatalogProcessorServiceClient(p.conn).ListProcessors(ctx, &pluginv1.ListProcessorsRequest{})
		return namesOf(r.GetProcessors(), (*pluginv1.CatalogProcessor).GetName), e
	case "scaffolder.actions":
		r, e := pluginv1.NewScaffolderActionsServiceClient(p.conn).ListActions(ctx, &pluginv1.ListActionsRequest{})
		return namesOf(r.GetActions(), (*pluginv1.ScaffolderAction).GetId), e
	case "scaffolder.filters":
		r, e := pluginv1.NewTemplateFiltersServiceClient(p.conn).ListFilters(ctx, &pluginv1.ListFiltersRequest{})
		return namesOf(r.GetFilters(), (*pluginv1.TemplateFilter).GetId), e
	case "search.types":
		r, e := pluginv1.NewSearchCollatorServiceClient(p.conn).ListCollators(ctx, &pluginv1.ListCollatorsRequest{})
		return namesOf(r.GetCollators(), (*pluginv1.SearchCollator).GetType), e
	case "widgets":
		r, e := pluginv1.NewWidgetsServiceClient(p.conn).ListWidgets(ctx, &pluginv1.ListWidgetsRequest{})
		return namesOf(r.GetWidgets(), (*pluginv1.Widget).GetId), e
	case "tasks":
		r, e := pluginv1.NewTasksServiceClient(p.conn).ListTasks(ctx, &pluginv1.ListTasksRequest{})
		return namesOf(r.GetTasks(), (*pluginv1.Task).GetId), e
	default:
		r, e := pluginv1.NewPermissionRulesServiceClient(p.conn).ListRules(ctx, &pluginv1.ListRulesRequest{})
		if k.key == "permissions" {
			return namesOf(r.GetPermissions(), (*pluginv1.Permission).GetName), e
		}
		return namesOf(r.GetRules(), (*pluginv1.PermissionRule).GetName), e
	}
}

func namesOf[T any](list []T, name func(T) string) []string {
	names := make([]string, len(list))
	for i, one := range list {
		names[i] = name(one)
	}
	return names
}

func checkStable(ctx context.Context, b *bench) error {
	if _, err := b.process(ctx); err != nil {
		return err
	}
	first := b.described
	p, err := b.plugin(ctx)
	if err != nil {
		return err
	}
	for range 2 {
		again, err := p.plugin.Describe(ctx, &pluginv1.DescribeRequest{})
		if err != nil {
			return found("Describe may be called at any time.", "Describe fails with %s", describeError(err))
		}
		if !proto.Equal(first, again) {
			return found("Describe what the program can do; what settings switch off fails when it is called.", "Describe answers something else after Configure")
		}
	}
	return nil
}

func checkDescribeMode(ctx context.Context, b *bench) error {
	if _, err := b.process(ctx); err != nil {
		return err
	}
	said, exit, err := b.describeMode(ctx)
	if err != nil {
		return err
	}
	const advice = "When CALLBOARD_DESCRIBE is 1, print the DescribeResponse as JSON on standard output and exit with 0, before anything else; packaging reads it."
	if exit != "" {
		return found(advice, "In describe mode it ends with %s", exit)
	}
	var described pluginv1.DescribeResponse
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(bytes.TrimSpace(said), &described); err != nil {
		return found(advice, "In describe mode it prints %q, which is no DescribeResponse", excerpt.Of(strings.TrimSpace(b.withoutFolders(string(said))), 120))
	}
	if !proto.Equal(&described, b.described) {
		return found("Use one source for both.", "Describe mode prints something else than Describe answers")
	}
	return nil
}

// describeMode runs the plugin without sockets, token and settings.
func (b *bench) describeMode(ctx context.Context) (said []byte, exit string, err error) {
	data, err := os.MkdirTemp(b.folder, "d")
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = os.RemoveAll(data) }()
	out, outEnd, err := os.Pipe()
	if err != nil {
		return nil, "", err
	}
	defer out.Close()
	quiet, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		outEnd.Close()
		return nil, "", err
	}
	defer quiet.Close()
	// The environment of a start, without the folder of its sockets: only the one that finds leftovers has to be unique.
	env := append(slices.DeleteFunc(b.env(data, data), func(v string) bool { return strings.HasPrefix(v, "CALLBOARD_PLUGIN=") }), "CALLBOARD_DESCRIBE=1")
	process, err := b.launcher.Start(ctx, Start{ID: b.name(), Command: b.path, Dir: b.target.Dir, RuntimeDir: data, DataDir: data, Env: env, Stdout: outEnd, Stderr: quiet})
	outEnd.Close()
	if err != nil {
		return nil, "", err
	}
	defer process.Kill()
	if err := out.SetReadDeadline(time.Now().Add(handshakeTime + slack)); err != nil {
		return nil, "", err
	}
	said, err = drainBody(out, 1<<20)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, "", found("Exit after the description is printed.", "In describe mode it does not end within %s", handshakeTime)
	}
	select {
	case <-process.Exited():
		return said, process.Exit(), nil
	case <-time.After(handshakeTime):
		return nil, "", found("Exit after the description is printed.", "In describe mode it does not end within %s", handshakeTime)
	}
}

func checkSchema(ctx context.Context, b *bench) error {
	if _, err := b.process(ctx); err != nil {
		return err
	}
	said := b.described.GetSettingsSchemaJson()
	if said == "" {
		if m := b.target.Manifest; m != nil && m.SettingsSchema != "" {
			return found("Answer the same schema in settings_schema_json.", "The manifest names a schema of the settings, and Describe has none")
		}
		return skip("It has no settings.")
	}
	schema, resolved, err := resolve(said)
	if err != nil {
		return found("Answer a JSON Schema (draft 2020-12) in settings_schema_json.", "The schema of its settings cannot be used: %v", err)
	}
	if typeOf(schema) != "object" || resolved.Validate([]any{}) == nil {
		return found(`Settings are an object: say "type": "object".`, "The schema of its settings takes other things than objects")
	}
	if m := b.target.Manifest; m != nil && !sameJSON(m.SettingsSchema, said) {
		return found("Write the schema into the file that config of plugin.yaml names, as `callboard plugin pack` does.", "The schema that it describes is not the one in the package")
	}
	return nil
}

func checkPeople(ctx context.Context, b *bench) error {
	if _, err := b.process(ctx); err != nil {
		return err
	}
	if b.described.GetTitle() == "" {
		return found("Set title in Describe and in plugin.yaml.", "It has no title")
	}
	if b.described.GetLicense() == "" {
		return found(`Set license to an SPDX expression such as "Apache-2.0".`, "It has no licence")
	}
	return nil
}
