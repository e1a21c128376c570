package manifest

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/callboard/callboard/sdk/excerpt"
	"github.com/callboard/callboard/sdk/pluginv1"
)

// Within checks what a process says of itself against the manifest: id and version are the same, and it offers nothing
// that the manifest does not announce. Offering less is fine: a feature may be switched off. Services that this host does
// not know are nothing it would call, so they are passed over. The error is [Errors].
func (m *Manifest) Within(described *pluginv1.DescribeResponse) error {
	var problems Errors
	fail := func(at, format string, args ...any) { problems = append(problems, m.problemf(at, format, args...)) }

	if described.GetId() != string(m.ID) {
		fail("id", "the process says that it is %q", excerpt.Short(described.GetId()))
	}
	if described.GetVersion() != m.Version {
		fail("version", "the manifest says %s and the process says %q; build and pack again", m.Version, excerpt.Short(described.GetVersion()))
	}
	if described.GetSettingsSchemaJson() != "" && m.Config == "" {
		fail("config", "is missing, and the process has settings; name the file of their JSON Schema")
	}
	for _, o := range m.offers(described.GetProvides()) {
		for _, name := range o.offered {
			if !o.announced(name) {
				fail(o.at, "does not announce %q, which the process offers", excerpt.Short(name))
			}
		}
	}
	for _, service := range described.GetServices() {
		if at := serviceNeeds[service]; at != "" && !m.announces(at) {
			fail(at, "announces nothing, and the process serves %s", service)
		}
	}
	if described.GetProvides().GetHttp() && m.Provides.HTTP == nil {
		fail("provides.http", "is missing, and the process serves routes")
	}
	if len(problems) == 0 {
		return nil
	}
	return problems
}

// offer is one list of the process beside what the manifest says of it.
type offer struct {
	at        string
	offered   []string
	announced func(string) bool
}

func (m *Manifest) offers(p *pluginv1.Provides) []offer {
	in := func(list []string) func(string) bool {
		return func(name string) bool { return slices.Contains(list, name) }
	}
	var http HTTP
	if m.Provides.HTTP != nil {
		http = *m.Provides.HTTP
	}
	return []offer{
		{"provides.http.unauthenticated", p.GetHttpUnauthenticated(), func(s string) bool { return routeWithin(s, http.Unauthenticated) }},
		{"provides.http.userCookie", p.GetHttpUserCookie(), func(s string) bool { return routeWithin(s, http.UserCookie) }},
		{"provides.catalog.providers", p.GetCatalogProviders(), in(m.Provides.Catalog.Providers)},
		{"provides.catalog.processors", p.GetCatalogProcessors(), in(m.Provides.Catalog.Processors)},
		{"provides.scaffolder.actions", p.GetScaffolderActions(), in(m.Provides.Scaffolder.Actions)},
		{"provides.scaffolder.filters", p.GetScaffolderFilters(), in(m.Provides.Scaffolder.Filters)},
		{"provides.search.types", p.GetSearchTypes(), in(m.Provides.Search.Types)},
		{"provides.widgets", p.GetWidgets(), in(m.Provides.Widgets)},
		{"provides.tasks", p.GetTasks(), in(m.Provides.Tasks)},
		{"provides.permissions", p.GetPermissions(), in(m.Provides.Permissions)},
		{"provides.permissionRules", p.GetPermissionRules(), in(m.Provides.PermissionRules)},
		{"provides.events.topics", p.GetEventTopics(), in(m.Provides.Events.Topics)},
	}
}

// routeWithin is for paths that a process gives, which may be in any form.
func routeWithin(path string, announced []string) bool {
	return checkRoute(path) == nil && routeCovered(path, announced)
}

// serviceNeeds names the part of the manifest that stands for a service.
var serviceNeeds = map[string]string{
	pluginv1.CatalogProviderService_ServiceDesc.ServiceName:   "provides.catalog.providers",
	pluginv1.CatalogProcessorService_ServiceDesc.ServiceName:  "provides.catalog.processors",
	pluginv1.ScaffolderActionsService_ServiceDesc.ServiceName: "provides.scaffolder.actions",
	pluginv1.TemplateFiltersService_ServiceDesc.ServiceName:   "provides.scaffolder.filters",
	pluginv1.SearchCollatorService_ServiceDesc.ServiceName:    "provides.search.types",
	pluginv1.WidgetsService_ServiceDesc.ServiceName:           "provides.widgets",
	pluginv1.TasksService_ServiceDesc.ServiceName:             "provides.tasks",
	pluginv1.PermissionRulesService_ServiceDesc.ServiceName:   "provides.permissionRules",
	pluginv1.EventsService_ServiceDesc.ServiceName:            "provides.events.topics",
}

// announces tells whether the manifest has anything at the place. Permissions and rules are served together.
func (m *Manifest) announces(at string) bool {
	p := m.Provides
	switch strings.TrimPrefix(at, "provides.") {
	case "catalog.providers":
		return len(p.Catalog.Providers) > 0
	case "catalog.processors":
		return len(p.Catalog.Processors) > 0
	case "scaffolder.actions":
		return len(p.Scaffolder.Actions) > 0
	case "scaffolder.filters":
		return len(p.Scaffolder.Filters) > 0
	case "search.types":
		return len(p.Search.Types) > 0
	case "widgets":
		return len(p.Widgets) > 0
	case "tasks":
		return len(p.Tasks) > 0
	case "permissionRules":
		return len(p.PermissionRules) > 0 || len(p.Permissions) > 0
	default:
		return len(p.Events.Topics) > 0
	}
}

// CheckRequirements says why this host cannot run the plugin: its version and the protocol versions that it speaks. A host
// version that is no semantic version, such as that of a development build, meets every range.
func (m *Manifest) CheckRequirements(hostVersion string, protocols ...int) error {
	if !slices.ContainsFunc(protocols, func(v int) bool { return inRange(m.Protocol, fmt.Sprintf("%d.0.0", v)) }) {
		return m.problemf("protocol", "asks for protocol %q, and this host speaks %s", m.Protocol, strings.Trim(fmt.Sprint(protocols), "[]"))
	}
	if m.Requires.Callboard != "" && !inRange(m.Requires.Callboard, hostVersion) {
		return m.problemf("requires.callboard", "asks for Callboard %q, and this is %s", m.Requires.Callboard, hostVersion)
	}
	return nil
}

// PackageName is the name of the package file for a platform. Plugins that are started by a command run on any.
func (m *Manifest) PackageName(goos, goarch string) string {
	if len(m.Run.Command) > 0 {
		goos, goarch = "any", "any"
	}
	return filepath.Base(fmt.Sprintf("%s_%s_%s_%s.tar.zst", m.ID, m.Version, goos, goarch))
}
