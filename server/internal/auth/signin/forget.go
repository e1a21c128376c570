package signin

import (
	"net/http"
	"slices"
)

// Forget takes back what a provider keeps in a browser, for a page that these cookies are not sent to: so each that may be
// there is. It tells the provider nothing; [Engine.Logout] does.
func (e *Engine) Forget(w http.ResponseWriter, r *http.Request, id string) {
	i := slices.IndexFunc(e.providers, func(p *provider) bool { return p.preset.id == id })
	if i < 0 || e.providers[i].envs[e.env] == nil {
		return
	}
	j, p := e.providers[i].envs[e.env].jar, page{w: w, r: r}
	for _, name := range []string{j.refreshToken, j.grantedScope} {
		j.write(p, name, "", "", 0)
	}
	for part := range maxChunks {
		j.write(p, chunkName(j.refreshToken, part), "", "", 0)
	}
}
