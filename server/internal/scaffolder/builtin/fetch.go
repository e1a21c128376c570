package builtin

import (
	"context"
	"io/fs"
	"net/url"
	"path"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/scaffolder/workspace"
)

const fileScheme = "file://"

// sources finds what templates name by URL.
type sources struct {
	reader                 Reader
	localTemplate          func(ctx context.Context, t action.Template) (bool, error)
	requireUserCredentials bool
}

// place is where something is: at url, or at name within folder of this host.
type place struct{ url, folder, name string }

// locate resolves a URL of an input: an absolute one stays, any other is relative to the template.
func (s sources) locate(ctx context.Context, r *run, target, token string) (place, error) {
	base := r.Template.BaseURL
	if err := s.checkCredentials(target, base, token); err != nil {
		return place{}, err
	}
	switch file, local := strings.CutPrefix(base, fileScheme); {
	case entity.ValidURL(target):
		return place{url: target}, nil
	case local:
		return s.local(ctx, r, file, target)
	case base == "":
		return place{}, apierror.Inputf("Failed to fetch, template location could not be determined and the fetch URL is relative, %s", target)
	case s.reader.Integration(base) == "":
		return place{}, apierror.Inputf("No integration found for location %s", base)
	}
	resolved, err := s.reader.ResolveURL(target, base)
	return place{url: resolved}, err
}

func (s sources) local(ctx context.Context, r *run, file, target string) (place, error) {
	allowed := r.DryRun
	if !allowed && s.localTemplate != nil {
		var err error
		if allowed, err = s.localTemplate(ctx, r.Template); err != nil {
			return place{}, err
		}
	}
	if !allowed {
		return place{}, apierror.NotAllowedf("The template %s says that it is the file %s, which no configured location names, so that nothing is read beside it", r.Template.EntityRef, file)
	}
	if u, err := url.Parse(fileScheme + file); err == nil && r.DryRun {
		file = u.Path // of a dry run it is a URL, else a path behind a scheme
	}
	return place{folder: path.Dir(path.Clean(file)), name: target}, nil
}

func (s sources) checkCredentials(target, base, token string) error {
	if !s.requireUserCredentials || token != "" {
		return nil
	}
	if !entity.ValidURL(target) {
		target = base
	}
	if kind := s.reader.Integration(target); kind != "github" && kind != "gitlab" {
		return nil
	}
	host := target
	if u, err := url.Parse(target); err == nil {
		host = u.Host
	}
	return apierror.Inputf("No user credentials provided for host %s, but scaffolder.requireScmUserCredentials is enabled", host)
}

// tree brings a folder, or one file of this host, to the name to of a workspace.
func (s sources) tree(ctx context.Context, r *run, from place, token string, into *workspace.Dir, to string) error {
	var skipped []string
	var err error
	if from.url != "" {
		skipped, err = s.remoteTree(ctx, from.url, token, into, to)
	} else {
		skipped, err = localTree(from, into, to)
	}
	if err != nil {
		return err
	}
	for _, name := range skipped {
		if err := r.warn("%s was left out: it is a link that leads out of its folder, or no file", name); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (s sources) remoteTree(ctx context.Context, target, token string, into *workspace.Dir, to string) ([]string, error) {
	tree, err := s.reader.ReadTree(ctx, target, token)
	if err != nil {
		return nil, err
	}
	defer tree.Archive.Close()
	if err := into.MkdirAll(to); err != nil {
		return nil, err
	}
	// Hosts put one folder around everything.
	done, err := into.ExtractTar(tree.Archive, workspace.ExtractOptions{To: to, Strip: 1, Below: tree.Below, Limits: workspace.DefaultLimits()})
	return done.Skipped, err
}

func localTree(from place, into *workspace.Dir, to string) ([]string, error) {
	base, err := workspace.Open(from.folder)
	if err != nil {
		return nil, err
	}
	defer base.Close()
	info, err := base.Stat(from.name)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		_, err := into.CopyFile(base, from.name, to)
		return nil, err
	}
	source, err := base.Sub(from.name)
	if err != nil {
		return nil, err
	}
	defer source.Close()
	return into.CopyTree(source, to, workspace.DefaultLimits())
}

// file reads one file; its permissions are those of a local one, else 0644.
func (s sources) file(ctx context.Context, from place, token string) ([]byte, fs.FileMode, error) {
	if from.url != "" {
		data, err := s.reader.ReadFile(ctx, from.url, token)
		return data, 0o644, err
	}
	base, err := workspace.Open(from.folder)
	if err != nil {
		return nil, 0, err
	}
	defer base.Close()
	info, err := base.Stat(from.name)
	if err != nil {
		return nil, 0, err
	}
	data, err := base.ReadFile(from.name)
	return data, info.Mode().Perm(), err
}
