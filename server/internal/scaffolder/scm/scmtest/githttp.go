package scmtest

import (
	"bytes"
	"io"
	"net/http"
	"net/http/cgi" //nolint:gosec // git's own server is a CGI program; Go sets no HTTP_PROXY from a request
	"os"
	"strings"
)

// serveGit answers clones and pushes with git http-backend.
func (h *host) serveGit(w http.ResponseWriter, r *http.Request) {
	path, service, ok := gitPath(r.URL.Path)
	if !ok {
		http.NotFound(w, r)
		return
	}
	_, password, _ := r.BasicAuth()
	h.mu.Lock()
	token, known := h.tokens[password]
	allowed := known && h.mayPush(token, path)
	h.mu.Unlock()
	switch {
	case !known:
		w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
		http.Error(w, "Invalid username or token.", http.StatusUnauthorized)
		return
	case !allowed && strings.Contains(r.URL.RequestURI(), "git-receive-pack"):
		http.Error(w, "Permission to "+strings.TrimSuffix(path, ".git")+" denied to "+token.User+".", http.StatusForbidden)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 64<<20))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.Body, r.ContentLength, r.TransferEncoding = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil // CGI knows no chunks
	r.URL.Path = "/" + path + service
	backend := cgi.Handler{
		Path: h.git, Args: []string{"http-backend"}, Dir: h.root, Stderr: io.Discard,
		Env: []string{
			"GIT_PROJECT_ROOT=" + h.root, "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER=" + token.User,
			"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull, "HOME=" + h.root,
		},
	}
	backend.ServeHTTP(w, r)
}

// gitPath is the repository's folder below the root, and the service, of a path of git's protocol. Its clients may leave
// out the end .git.
func gitPath(path string) (repository, service string, ok bool) {
	for _, service := range []string{"/info/refs", "/git-upload-pack", "/git-receive-pack"} {
		if name, ok := strings.CutSuffix(strings.TrimPrefix(path, "/"), service); ok && !strings.Contains(name, "..") {
			return strings.TrimSuffix(name, ".git") + ".git", service, true
		}
	}
	return "", "", false
}
