package pluginhost

import (
	"net/http"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// Permissions knows the permissions and rules that plugins have listed; [permission.Engine] does.
type Permissions interface {
	Integrations(plugin string) ([]permission.Integration, bool)
}

// permits reports whether a plugin has a part in permissions.
func (p *plugin) permits(m *manifest.Manifest) bool {
	return p.host.o.Permissions != nil && len(m.Provides.Permissions)+len(m.Provides.PermissionRules) > 0
}

// permissionRoutes has the edge answer, in the plugin's place, what is asked of the permissions of every Backstage plugin.
// A plugin that announces none has nothing there: its own routes cannot pretend to permissions that nobody approved.
func (p *plugin) permissionRoutes(m *manifest.Manifest) func(*httpx.Router) {
	source := permission.Source(func() ([]permission.Integration, error) { return nil, nil })
	if p.permits(m) {
		source = p.integrations
	}
	return func(r *httpx.Router) { permission.MountSource(r, source) }
}

// integrations is what the plugin has listed, while it is there.
func (p *plugin) integrations() ([]permission.Integration, error) {
	if _, err := p.supervisor.Current(); err != nil {
		return nil, unavailable(err)
	}
	if listed, ok := p.host.o.Permissions.Integrations(string(p.id)); ok {
		return listed, nil
	}
	err := apierror.Newf(apierror.ServiceUnavailable, "Plugin '%s' is not available: its permissions have not been read yet", p.id)
	err.Fields = map[string]any{"plugin": string(p.id), "state": string(p.supervisor.Snapshot().State)}
	return nil, err
}

// noRoutes answers for a plugin that has permissions and no routes of its own.
func noRoutes(w http.ResponseWriter, _ *http.Request, _ httpx.Call) error {
	w.WriteHeader(http.StatusNotFound)
	return nil
}
