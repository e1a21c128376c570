package builtin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/urlreader"
)

// fakeCatalog knows one domain, and what was registered.
type fakeCatalog struct {
	registered []string
	by         []*principal.Principal
	preview    []entity.Entity
	// lost makes Register add the location and answer as if it did not.
	lost bool
}

func (c *fakeCatalog) Register(_ context.Context, by *principal.Principal, target string) error {
	c.by = append(c.by, by)
	if slices.Contains(c.registered, target) {
		return apierror.Conflictf("Location url:%s already exists", target)
	}
	c.registered = append(c.registered, target)
	if c.lost {
		return context.Canceled
	}
	return nil
}

func (c *fakeCatalog) Preview(_ context.Context, by *principal.Principal, target string) ([]entity.Entity, error) {
	c.by = append(c.by, by)
	if strings.Contains(target, "unreadable") {
		return nil, apierror.Inputf("Unable to read %s", target)
	}
	return c.preview, nil
}

func (c *fakeCatalog) Entities(_ context.Context, by *principal.Principal, refs []entity.Ref) ([]json.RawMessage, error) {
	c.by = append(c.by, by)
	found := make([]json.RawMessage, len(refs))
	for i, ref := range refs {
		if ref.String() == "domain:default/cranes" {
			found[i] = json.RawMessage(`{"kind":"Domain","metadata":{"name":"cranes","description":"Lifting gear"}}`)
		}
	}
	return found, nil
}

// fakeReader has files and archives by URL; github.test and azure.test have integrations.
type fakeReader struct {
	files map[string]string
	trees map[string]urlreader.Tree
	asked []string
}

func (r *fakeReader) ReadFile(_ context.Context, target, token string) ([]byte, error) {
	r.asked = append(r.asked, target+" "+token)
	if text, ok := r.files[target]; ok {
		return []byte(text), nil
	}
	return nil, apierror.NotFoundf("could not read %s, 404 Not Found", target)
}

func (r *fakeReader) ReadTree(_ context.Context, target, token string) (urlreader.Tree, error) {
	r.asked = append(r.asked, target+" "+token)
	if tree, ok := r.trees[target]; ok {
		return tree, nil
	}
	return urlreader.Tree{}, urlreader.NotAllowed(target)
}

func (r *fakeReader) ResolveURL(target, base string) (string, error) {
	if !strings.Contains(base, "/blob/main/") {
		return "", errors.New("unknown base")
	}
	return base[:strings.LastIndex(base, "/")+1] + strings.TrimPrefix(strings.TrimPrefix(target, "./"), "/"), nil
}

func (*fakeReader) Integration(target string) string {
	switch {
	case strings.HasPrefix(target, "https://github.test/"):
		return "github"
	case strings.HasPrefix(target, "https://azure.test/"):
		return "azure"
	}
	return ""
}

// packed is the folder skel of an archive.
func packed(files map[string]string) urlreader.Tree {
	return urlreader.Tree{Archive: io.NopCloser(bytes.NewReader(tarball(files))), Below: "skel"}
}

// fakeNotifier records what is sent.
type fakeNotifier struct {
	sent []Notification
	err  error
}

func (n *fakeNotifier) Send(_ context.Context, notification Notification) error {
	n.sent = append(n.sent, notification)
	return n.err
}
