package pluginhost

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// facade is a further id of a plugin, for frontends that were made for another backend.
type facade struct {
	feature httpx.Feature
	path    string // that it stands for, below the plugin's own prefix
}

// facadesOf answers the facades with the rules of the paths that they stand for.
func facadesOf(h *manifest.HTTP, of httpx.Feature) (all []facade) {
	for _, id := range slices.Sorted(maps.Keys(h.Facades)) {
		x := facade{httpx.Feature{ID: string(id), BodyLimit: of.BodyLimit}, h.Facades[id]}
		for _, policy := range of.Policies {
			inside, below := strings.CutPrefix(policy.Path, x.path)
			switch {
			case below && (inside == "" || inside[0] == '/'):
				x.feature.Policies = append(x.feature.Policies, httpx.Policy{Path: cmp.Or(inside, "/"), Allow: policy.Allow})
			case policy.Path == "/" || strings.HasPrefix(x.path, policy.Path+"/"):
				x.feature.Policies = append(x.feature.Policies, httpx.Policy{Path: "/", Allow: policy.Allow})
			}
		}
		all = append(all, x)
	}
	return all
}

// attachFacades mounts what can be had. A facade whose id another plugin has is told of; the plugin itself is there.
func (p *plugin) attachFacades(facades []facade, serve httpx.WholeHandler) (detach []func()) {
	for _, x := range facades {
		id := manifest.ID(x.feature.ID)
		release, err := p.host.claim(id, p.id)
		if err == nil {
			var taken func()
			if taken, err = p.host.o.Edge.Attach(x.feature, x.below(serve)); err == nil {
				detach = append(detach, func() { taken(); release() })
				continue
			}
			release()
		}
		p.log.Error("the plugin cannot answer under another id as well", "id", x.feature.ID, "error", err)
	}
	return detach
}

// below serves a facade by the plugin's own routes.
func (x facade) below(serve httpx.WholeHandler) httpx.WholeHandler {
	return func(w http.ResponseWriter, r *http.Request, c httpx.Call) error {
		c.Target = x.path + c.Target
		return serve(w, r, c)
	}
}

// claim reserves the id of a facade: a plugin of that id comes first, then whoever asked first. Each claim is released on
// its own, so that a new version of a plugin can claim before the former one has released.
func (h *Host) claim(id, by manifest.ID) (release func(), err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, taken := h.plugins[id]; taken {
		return nil, fmt.Errorf("there is a plugin of the id %s", id)
	}
	c := h.claims[id]
	if c.claims > 0 && c.by != by {
		return nil, fmt.Errorf("plugin %s answers under the id %s already", c.by, id)
	}
	h.claims[id] = claimed{by, c.claims + 1}
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.claims[id] = claimed{by, h.claims[id].claims - 1}
	}, nil
}

// claimed is the id of a facade, and how often its plugin claims it.
type claimed struct {
	by     manifest.ID
	claims int
}
