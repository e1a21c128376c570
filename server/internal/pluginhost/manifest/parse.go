package manifest

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	"go.yaml.in/yaml/v3"

	"github.com/callboard/callboard/sdk/excerpt"
	"github.com/callboard/callboard/sdk/origin"
)

// DefaultProtocol is what a manifest without the key protocol means.
const DefaultProtocol = ">=1 <2"

// parse also answers the lines of fields, for problems that are found later.
func parse(name string, data []byte) (*Manifest, map[string]int, error) {
	root, problem := document(name, data)
	if problem != nil {
		return nil, nil, Errors{problem}
	}
	m, d := &Manifest{Protocol: DefaultProtocol}, &decoder{file: name, lines: map[string]int{}}
	d.manifest(root, m)
	if len(d.problems) > 0 {
		if m.ID.Check() == nil {
			for _, p := range d.problems {
				p.Plugin = m.ID
			}
		}
		return nil, nil, d.problems.sorted()
	}
	return m, d.lines, nil
}

// document is the one YAML document in data.
func document(name string, data []byte) (*yaml.Node, *Error) {
	if len(data) > maxManifest {
		return nil, &Error{File: name, Rule: "is larger than " + Size(maxManifest).String()}
	}
	var doc, more yaml.Node
	in := yaml.NewDecoder(bytes.NewReader(data))
	switch err := in.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, &Error{File: name, Rule: "is empty"}
	case err != nil:
		return nil, &Error{File: name, Rule: "is not YAML: " + strings.TrimPrefix(err.Error(), "yaml: ")}
	}
	if err := in.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, &Error{File: name, Line: more.Line, Rule: "must hold one document"}
	}
	return doc.Content[0], nil
}

func (d *decoder) manifest(n *yaml.Node, m *Manifest) {
	d.object(n, "", fields{
		{"apiVersion", required, func(n *yaml.Node, at string) {
			if d.text(n, at, &m.APIVersion); m.APIVersion != "" && m.APIVersion != APIVersion {
				d.failf(n, at, "must be %q", APIVersion)
			}
		}},
		{"id", required, func(n *yaml.Node, at string) {
			var id string
			if !d.text(n, at, &id) {
				return
			}
			if err := ID(id).Check(); err != nil {
				d.failf(n, at, "%v", err)
				return
			}
			m.ID = ID(id)
		}},
		{"version", required, func(n *yaml.Node, at string) {
			if !d.text(n, at, &m.Version) {
				return
			}
			if _, err := semver.StrictNewVersion(m.Version); err != nil || !fileSafe.MatchString(m.Version) {
				d.failf(n, at, `must be a semantic version such as "1.4.0"`)
			}
		}},
		{"title", required, func(n *yaml.Node, at string) { d.line(n, at, &m.Title) }},
		{"description", optional, func(n *yaml.Node, at string) { d.text(n, at, &m.Description) }},
		{"license", optional, func(n *yaml.Node, at string) { d.line(n, at, &m.License) }},
		{"protocol", optional, func(n *yaml.Node, at string) { d.semverRange(n, at, &m.Protocol) }},
		{"requires", optional, func(n *yaml.Node, at string) {
			d.object(n, at, fields{{"callboard", optional, func(n *yaml.Node, at string) { d.semverRange(n, at, &m.Requires.Callboard) }}})
		}},
		{"run", required, func(n *yaml.Node, at string) { d.run(n, at, &m.Run) }},
		{"provides", optional, func(n *yaml.Node, at string) { d.provides(n, at, &m.Provides) }},
		{"needs", optional, func(n *yaml.Node, at string) { d.needs(n, at, &m.Needs) }},
		{"config", optional, func(n *yaml.Node, at string) { d.localFile(n, at, &m.Config) }},
	})
}

// fileSafe versions can be part of a file's name.
var fileSafe = regexp.MustCompile(`^[0-9A-Za-z.+-]{1,64}$`)

var platformForm = regexp.MustCompile(`^[a-z][a-z0-9]{0,15}-[a-z][a-z0-9]{0,15}$`)

// run takes {command: [...]} or one binary for each platform; the two do not mix.
func (d *decoder) run(n *yaml.Node, at string, run *Run) {
	if n.Kind == yaml.MappingNode && len(n.Content) == 0 {
		d.failf(n, at, `must have "command", or a binary for a platform such as "linux-amd64"`)
		return
	}
	known := fields{{"command", optional, func(n *yaml.Node, at string) { d.command(n, at, &run.Command) }}}
	platforms := 0
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		key := n.Content[i].Value
		if !platformForm.MatchString(key) {
			continue
		}
		platforms++
		known = append(known, field{key, optional, func(n *yaml.Node, at string) {
			var file string
			if d.localFile(n, at, &file) {
				if run.Binaries == nil {
					run.Binaries = map[string]string{}
				}
				run.Binaries[key] = file
			}
		}})
	}
	d.object(n, at, known)
	if platforms > 0 && d.has(n, "command") {
		d.failf(n, at, `must have either "command" or binaries for platforms, not both`)
	}
}

// command is what is executed, with its arguments. Without a slash its first word is an interpreter that is searched on
// the host's PATH for plugins; with one it is a file of the plugin.
func (d *decoder) command(n *yaml.Node, at string, argv *[]string) {
	d.list(n, at, 64, func(n *yaml.Node, at string) {
		var word string
		if !d.text(n, at, &word) {
			return
		}
		if len(*argv) == 0 {
			if !d.program(n, at, word) {
				return
			}
		} else if strings.ContainsRune(word, 0) {
			d.failf(n, at, "must not hold a NUL byte")
			return
		}
		*argv = append(*argv, word)
	})
	if n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
		d.failf(n, at, "must have at least one word")
	}
}

var interpreterForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$`)

func (d *decoder) program(n *yaml.Node, at, word string) bool {
	if !strings.Contains(word, "/") {
		if !interpreterForm.MatchString(word) {
			d.failf(n, at, `must be the name of an interpreter such as "python3", or a file of the plugin such as "./start"`)
			return false
		}
		return true
	}
	if err := checkLocal(word); err != nil {
		d.failf(n, at, "%v", err)
		return false
	}
	return true
}

func (d *decoder) provides(n *yaml.Node, at string, p *Provides) {
	d.object(n, at, fields{
		{"http", optional, func(n *yaml.Node, at string) {
			p.HTTP = &HTTP{}
			d.object(n, at, fields{
				{"openapi", optional, func(n *yaml.Node, at string) { d.localFile(n, at, &p.HTTP.OpenAPI) }},
				{"unauthenticated", optional, func(n *yaml.Node, at string) { d.routes(n, at, &p.HTTP.Unauthenticated) }},
				{"userCookie", optional, func(n *yaml.Node, at string) { d.routes(n, at, &p.HTTP.UserCookie) }},
				{"facades", optional, func(n *yaml.Node, at string) { d.facades(n, at, &p.HTTP.Facades) }},
			})
		}},
		{"catalog", optional, func(n *yaml.Node, at string) {
			d.object(n, at, fields{
				{"providers", optional, d.names(&p.Catalog.Providers)},
				{"processors", optional, d.names(&p.Catalog.Processors)},
				{"annotations", optional, d.names(&p.Catalog.Annotations)},
			})
		}},
		{"scaffolder", optional, func(n *yaml.Node, at string) {
			d.object(n, at, fields{
				{"actions", optional, d.names(&p.Scaffolder.Actions)},
				{"filters", optional, func(n *yaml.Node, at string) { d.strings(n, at, &p.Scaffolder.Filters, checkFilter) }},
			})
		}},
		{"search", optional, func(n *yaml.Node, at string) {
			d.object(n, at, fields{{"types", optional, d.names(&p.Search.Types)}})
		}},
		{"widgets", optional, d.names(&p.Widgets)},
		{"tasks", optional, d.names(&p.Tasks)},
		{"permissions", optional, d.names(&p.Permissions)},
		{"permissionRules", optional, d.names(&p.PermissionRules)},
		{"events", optional, func(n *yaml.Node, at string) {
			d.object(n, at, fields{{"topics", optional, d.names(&p.Events.Topics)}})
		}},
	})
}

// DecodeNeeds reads needs as they stand in a manifest, from another document such as a lock file. at is the place of n in
// that document.
func DecodeNeeds(file, at string, n *yaml.Node) (Needs, error) {
	var needs Needs
	d := &decoder{file: file, lines: map[string]int{}}
	if d.needs(n, at, &needs); len(d.problems) > 0 {
		return Needs{}, d.problems.sorted()
	}
	return needs, nil
}

// The words of needs.catalog and of needs.scaffolder.
var (
	catalogNeeds    = []string{"read", "write-own", "refresh"}
	scaffolderNeeds = []string{"workspace"}
)

func (d *decoder) words(to *[]string, words []string) func(n *yaml.Node, at string) {
	return func(n *yaml.Node, at string) {
		d.strings(n, at, to, func(s string) (string, error) {
			if !slices.Contains(words, s) {
				return "", errors.New("must be one of " + strings.Join(words, ", "))
			}
			return s, nil
		})
	}
}

var filterForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,63}$`)

// maxFacades bounds how many ids one plugin takes.
const maxFacades = 16

// facades maps ids to paths; each key is an id, so that there is no list of known ones.
func (d *decoder) facades(n *yaml.Node, at string, to *map[ID]string) {
	var known fields
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content) && len(known) < maxFacades; i += 2 {
		key := n.Content[i]
		if err := ID(key.Value).Check(); err != nil {
			d.failf(key, below(at, excerpt.Short(key.Value)), "%v", err)
			return
		}
		known = append(known, field{key.Value, optional, func(n *yaml.Node, at string) {
			var route string
			if !d.text(n, at, &route) {
				return
			}
			if err := checkRoute(route); err != nil || route == "/" {
				d.failf(n, at, "must be a path below the plugin's prefix, such as /facades/%s, without escapes, asterisks, a query or a slash at its end", key.Value)
				return
			}
			if *to == nil {
				*to = map[ID]string{}
			}
			(*to)[ID(key.Value)] = route
		}})
	}
	d.object(n, at, known)
}

// checkFilter holds a filter to what the language takes for a name.
func checkFilter(s string) (string, error) {
	if !filterForm.MatchString(s) {
		return "", errors.New("must be a name of the template language: a letter, then up to 63 letters, digits and _")
	}
	return s, nil
}

func (d *decoder) needs(n *yaml.Node, at string, needs *Needs) {
	d.object(n, at, fields{
		{"catalog", optional, d.words(&needs.Catalog, catalogNeeds)},
		{"scaffolder", optional, d.words(&needs.Scaffolder, scaffolderNeeds)},
		{"egress", optional, func(n *yaml.Node, at string) {
			d.strings(n, at, &needs.Egress, checkEgress)
		}},
		{"storage", optional, func(n *yaml.Node, at string) {
			d.object(n, at, fields{
				{"kv", optional, func(n *yaml.Node, at string) { d.size(n, at, &needs.Storage.KV) }},
				{"files", optional, func(n *yaml.Node, at string) { d.size(n, at, &needs.Storage.Files) }},
			})
		}},
		{"secrets", optional, d.names(&needs.Secrets)},
		{"plugins", optional, func(n *yaml.Node, at string) {
			// Core features may be called too, so reserved ids are fine here.
			d.strings(n, at, &needs.Plugins, func(s string) (string, error) {
				if !idForm.MatchString(s) {
					return "", errors.New("must be the id of a plugin or feature")
				}
				return s, nil
			})
		}},
		{"events", optional, func(n *yaml.Node, at string) {
			d.object(n, at, fields{{"publish", optional, d.names(&needs.Events.Publish)}})
		}},
		{"onBehalfOf", optional, func(n *yaml.Node, at string) { d.boolean(n, at, &needs.OnBehalfOf) }},
		{"permission", optional, func(n *yaml.Node, at string) { d.boolean(n, at, &needs.Permission) }},
		{"limits", optional, func(n *yaml.Node, at string) { d.limits(n, at, &needs.Limits) }},
	})
}

// checkEgress answers an entry of needs.egress in its usual form.
func checkEgress(s string) (string, error) {
	if _, ok, err := origin.Parse(s); ok {
		return s, err
	}
	dest, err := ParseDestination(s)
	return dest.String(), err
}

func (d *decoder) limits(n *yaml.Node, at string, l *Limits) {
	d.object(n, at, fields{
		{"memory", optional, func(n *yaml.Node, at string) {
			if d.size(n, at, &l.Memory) && l.Memory < minMemory {
				d.failf(n, at, "must be at least %s", minMemory)
			}
		}},
		{"cpu", optional, func(n *yaml.Node, at string) { d.number(n, at, 0.01, 1024, &l.CPU) }},
		{"processes", optional, func(n *yaml.Node, at string) { d.count(n, at, 1, 1<<15, &l.Processes) }},
		{"openFiles", optional, func(n *yaml.Node, at string) { d.count(n, at, 16, 1<<20, &l.OpenFiles) }},
		{"requestTimeout", optional, func(n *yaml.Node, at string) { d.duration(n, at, maxRequest, &l.RequestTimeout) }},
		{"requestBody", optional, func(n *yaml.Node, at string) { d.size(n, at, &l.RequestBody) }},
	})
}
