// Package manifest reads plugin.yaml, where a plugin says what it is, what it adds to the host and what it needs of it.
//
// The manifest comes first and the process second: everything that an administrator must agree to stands here and can be
// read without running foreign code. What the process says of itself later ([Manifest.Within]) may be less, never more.
// The package reads and judges text. It starts nothing, and it trusts nothing: a manifest is foreign text until package
// verify has checked where it comes from.
package manifest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// File is the name of the manifest in a plugin's folder.
const File = "plugin.yaml"

// APIVersion is the version of the manifest's format.
const APIVersion = "callboard.dev/v1"

// maxManifest is far above what people write, and far below what would take the parser long.
const maxManifest = 256 << 10

// Manifest is one plugin.yaml that keeps every rule of the format.
type Manifest struct {
	APIVersion, Title, Description, License string
	ID                                      ID
	// Version is a semantic version of three numbers, without a leading v.
	Version string
	// Protocol is a range of versions of the protocol between host and plugin.
	Protocol string
	Requires Requires
	Run      Run
	Provides Provides
	Needs    Needs
	// Config is the file of the settings' JSON Schema, relative to the folder; "" = the plugin has no settings.
	Config string
	// Dir is the folder that the manifest was read from; "" for one that was only parsed.
	Dir string
}

// Requires are ranges of what must be there for the plugin to work; "" = any.
type Requires struct{ Callboard string }

// Run says how the process is started: by a binary for each platform ("linux-amd64": "./sentry") or by one command for all.
// Exactly one of the two is set.
type Run struct {
	Binaries map[string]string
	Command  []string
}

// Provides is what a plugin adds to the host, by name.
type Provides struct {
	HTTP        *HTTP              `json:"http,omitempty"        yaml:"http,omitempty"`
	Catalog     ProvidesCatalog    `json:"catalog,omitzero"      yaml:"catalog,omitempty"`
	Scaffolder  ProvidesScaffolder `json:"scaffolder,omitzero"   yaml:"scaffolder,omitempty"`
	Search      ProvidesSearch     `json:"search,omitzero"       yaml:"search,omitempty"`
	Widgets     []string           `json:"widgets,omitempty"     yaml:"widgets,omitempty,flow"`
	Tasks       []string           `json:"tasks,omitempty"       yaml:"tasks,omitempty,flow"`
	Permissions []string           `json:"permissions,omitempty" yaml:"permissions,omitempty,flow"`
	// PermissionRules are names of rules that conditional decisions may use.
	PermissionRules []string       `json:"permissionRules,omitempty" yaml:"permissionRules,omitempty,flow"`
	Events          ProvidesEvents `json:"events,omitzero"           yaml:"events,omitempty"`
}

// HTTP says that the plugin has routes, and which of them ask for less than the credentials of a user or a service.
type HTTP struct {
	// OpenAPI is the file that describes the routes; "" = none.
	OpenAPI string `json:"openapi,omitempty" yaml:"openapi,omitempty"`
	// Unauthenticated and UserCookie are paths below the plugin's own prefix; each stands for itself and what is below it.
	Unauthenticated []string `json:"unauthenticated,omitempty" yaml:"unauthenticated,omitempty,flow"`
	UserCookie      []string `json:"userCookie,omitempty"      yaml:"userCookie,omitempty,flow"`
	// Facades are further ids under which the plugin answers, each with the path below its own prefix that stands for it:
	// "infrawallet": "/facades/infrawallet" has it answer at /api/infrawallet. They are for frontends that were made for
	// another backend. The rules of the path that it stands for hold for a facade.
	Facades map[ID]string `json:"facades,omitempty" yaml:"facades,omitempty"`
}

// ProvidesCatalog is what a plugin adds to the catalog. Annotations are those that it reads; they are for people.
type ProvidesCatalog struct {
	Providers   []string `json:"providers,omitempty"   yaml:"providers,omitempty,flow"`
	Processors  []string `json:"processors,omitempty"  yaml:"processors,omitempty,flow"`
	Annotations []string `json:"annotations,omitempty" yaml:"annotations,omitempty,flow"`
}

// ProvidesScaffolder names actions of templates, and filters of their language.
type ProvidesScaffolder struct {
	Actions []string `json:"actions,omitempty" yaml:"actions,omitempty,flow"`
	Filters []string `json:"filters,omitempty" yaml:"filters,omitempty,flow"`
}

// ProvidesSearch names types of documents.
type ProvidesSearch struct {
	Types []string `json:"types,omitempty" yaml:"types,omitempty,flow"`
}

// ProvidesEvents names the topics that are delivered to the plugin.
type ProvidesEvents struct {
	Topics []string `json:"topics,omitempty" yaml:"topics,omitempty,flow"`
}

// Needs is what a plugin may do at the host: the list of privileges that an administrator approves.
type Needs struct {
	// Catalog holds "read", "write-own" and "refresh".
	Catalog []string `json:"catalog,omitempty" yaml:"catalog,omitempty,flow"`
	// Scaffolder holds "workspace": its actions may read and change the files of the task that they are a step of.
	Scaffolder []string `json:"scaffolder,omitempty" yaml:"scaffolder,omitempty,flow"`
	// Egress are destinations such as "https://*.sentry.io:443", see [ParseDestination], and places in the plugin's settings
	// whose addresses are destinations, such as "settings:/servers/*/url", see package origin; [Needs.Destinations] has both.
	Egress  []string `json:"egress,omitempty" yaml:"egress,omitempty,flow"`
	Storage Storage  `json:"storage,omitzero" yaml:"storage,omitempty"`
	// Secrets are names of settings whose values are secret.
	Secrets []string `json:"secrets,omitempty" yaml:"secrets,omitempty,flow"`
	// Plugins are ids that it may call with a token of its own.
	Plugins []string    `json:"plugins,omitempty" yaml:"plugins,omitempty,flow"`
	Events  NeedsEvents `json:"events,omitzero"   yaml:"events,omitempty"`
	// OnBehalfOf: it may receive the limited token of the user who calls it.
	OnBehalfOf bool `json:"onBehalfOf,omitempty" yaml:"onBehalfOf,omitempty"`
	// Permission: it may ask what a user may do.
	Permission bool   `json:"permission,omitempty" yaml:"permission,omitempty"`
	Limits     Limits `json:"limits,omitzero"      yaml:"limits,omitempty"`
}

// Storage is how much the host keeps for the plugin; zero = none.
type Storage struct {
	KV    Size `json:"kv,omitempty"    yaml:"kv,omitempty"`
	Files Size `json:"files,omitempty" yaml:"files,omitempty"`
}

// NeedsEvents names the topics that the plugin may publish on.
type NeedsEvents struct {
	Publish []string `json:"publish,omitempty" yaml:"publish,omitempty,flow"`
}

// Limits are what the process may use. Zero stands for the host's default.
type Limits struct {
	Memory    Size    `json:"memory,omitempty"    yaml:"memory,omitempty"`
	CPU       float64 `json:"cpu,omitempty"       yaml:"cpu,omitempty"`
	Processes int     `json:"processes,omitempty" yaml:"processes,omitempty"`
	OpenFiles int     `json:"openFiles,omitempty" yaml:"openFiles,omitempty"`
	// RequestTimeout is in nanoseconds in JSON, where it is only shown.
	RequestTimeout time.Duration `json:"requestTimeout,omitempty" yaml:"requestTimeout,omitempty"`
	// RequestBody is the longest body of a request that reaches the plugin. It is passed on as it comes.
	RequestBody Size `json:"requestBody,omitempty" yaml:"requestBody,omitempty"`
}

// WithDefaults fills in what the manifest leaves to the host.
func (l Limits) WithDefaults() Limits {
	if l.Memory == 0 {
		l.Memory = 256 << 20
	}
	if l.CPU == 0 {
		l.CPU = 1
	}
	if l.Processes == 0 {
		l.Processes = 64
	}
	if l.OpenFiles == 0 {
		l.OpenFiles = 512
	}
	if l.RequestTimeout == 0 {
		l.RequestTimeout = 30 * time.Second
	}
	if l.RequestBody == 0 {
		l.RequestBody = 10 << 20
	}
	return l
}

// Read reads dir/plugin.yaml and checks that the documents it names are there. Whether the program itself is there is for
// [Manifest.Argv] to say, since a folder under development may not be built yet. The error is [Errors].
func Read(dir string) (*Manifest, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, Errors{{File: filepath.Join(dir, File), Rule: "the plugin's folder cannot be opened: " + reason(err)}}
	}
	defer root.Close()
	m, err := ReadRoot(root, filepath.Join(dir, File))
	if err != nil {
		return nil, err
	}
	m.Dir = dir
	return m, nil
}

// ReadRoot is [Read] for a folder that is open already. name is what errors call the manifest; Dir stays empty.
func ReadRoot(root *os.Root, name string) (*Manifest, error) {
	data, err := readDocument(root, File, maxManifest)
	if err != nil {
		rule := "cannot be read: " + reason(err)
		if errors.Is(err, fs.ErrNotExist) {
			rule = "is missing; a plugin's folder holds a " + File
		}
		return nil, Errors{{File: name, Rule: rule}}
	}
	m, lines, err := parse(name, data)
	if err != nil {
		return nil, err
	}
	if problems := m.missingDocuments(root, name, lines); len(problems) > 0 {
		return nil, problems
	}
	return m, nil
}

// Parse reads the text of a manifest. name is what errors call it. The error is [Errors].
func Parse(name string, data []byte) (*Manifest, error) {
	m, _, err := parse(name, data)
	return m, err
}

// readDocument opens a file inside root and nothing else: a pipe would block the reader for good.
func readDocument(root *os.Root, name string, limit int64) ([]byte, error) {
	info, err := root.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		return nil, fmt.Errorf("it is larger than %s", Size(limit))
	}
	return data, err
}

// missingDocuments checks the files that Config and OpenAPI name.
func (m *Manifest) missingDocuments(root *os.Root, name string, lines map[string]int) Errors {
	var problems Errors
	check := func(field, file string) {
		if file == "" {
			return
		}
		if info, err := root.Stat(file); err != nil {
			problems = append(problems, &Error{m.ID, name, lines[field], field, fmt.Sprintf("the file %q cannot be read: %s", file, reason(err))})
		} else if !info.Mode().IsRegular() {
			problems = append(problems, &Error{m.ID, name, lines[field], field, fmt.Sprintf("%q is not a regular file", file)})
		}
	}
	check("config", m.Config)
	if m.Provides.HTTP != nil {
		check("provides.http.openapi", m.Provides.HTTP.OpenAPI)
	}
	return problems
}

// reason is an error of the file system without the path, which the caller names itself.
func reason(err error) string {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err.Error()
	}
	return err.Error()
}
