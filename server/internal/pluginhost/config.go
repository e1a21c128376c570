package pluginhost

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/pluginhost/sandbox"
	"github.com/callboard/callboard/server/internal/pluginhost/verify"
)

// ConfigKeys are the keys that this feature reads; everything below them is checked here.
var ConfigKeys = []string{"callboard.pluginHost", "callboard.plugins"}

// Settings are what the configuration says about plugins. Paths are absolute.
type Settings struct {
	// DataDir keeps what plugins write, unpacked packages and the control socket.
	DataDir string
	// LockFile holds what the operator approved; it belongs beside the configuration, under version control.
	LockFile string
	Sandbox  sandbox.Level
	Keys     []verify.TrustedKey
	// Path are folders whose subfolders are installed plugins.
	Path []string
	// Entries are the plugins that the configuration names, in the order of its files.
	Entries []Entry
}

// Entry is one plugin of the configuration.
type Entry struct {
	ID manifest.ID
	// Source is a folder or a package; "" = the folder of that id in Settings.Path.
	Source  string
	Enabled bool
	// Development trusts the source folder as it is.
	Development bool
	// Values are the plugin's settings, secrets among them. nil = none.
	Values map[string]any
	// AbortBoot keeps the host from starting when the plugin cannot be started at boot.
	AbortBoot bool
	// AllowPrivate are addresses beyond the public ones that the plugin may reach, where its needs name them.
	AllowPrivate []string
	// Readable are files and folders of the machine, beside its own, that the plugin may read. Paths are absolute.
	Readable []string
	// At is where the entry stands.
	At config.Position
}

// CheckConfig reports mistakes through c without looking at any plugin.
func CheckConfig(c *config.Config) { ReadSettings(c, "") }

// ReadSettings reads callboard.pluginHost and callboard.plugins. Mistakes are reported through c. dir is what relative
// paths are relative to, "" = the working folder.
func ReadSettings(c *config.Config, dir string) Settings {
	host := c.Section("callboard.pluginHost")
	s := Settings{
		DataDir:  resolve(dir, host.String("dataDir", filepath.Join(".cache", "plugins"))),
		LockFile: resolve(dir, host.String("lockFile", "plugins.lock.yaml")),
		Sandbox:  readLevel(host),
		Keys:     readKeys(host),
	}
	for _, folder := range host.Strings("path") {
		s.Path = append(s.Path, resolve(dir, folder))
	}
	for _, key := range host.Keys() {
		known(host, key, "dataDir", "lockFile", "sandbox", "trustedKeys", "path")
	}
	plugins := c.Section("callboard.plugins")
	for _, id := range plugins.Keys() {
		if e, ok := readEntry(c, plugins, id, dir); ok {
			s.Entries = append(s.Entries, e)
		}
	}
	return s
}

func readLevel(host *config.Section) sandbox.Level {
	level := sandbox.Level(host.String("sandbox", string(sandbox.Auto)))
	if !slices.Contains([]sandbox.Level{sandbox.Off, sandbox.Auto, sandbox.Required}, level) {
		host.Problem("sandbox", "must be off, auto or required")
		return sandbox.Required
	}
	return level
}

func readKeys(host *config.Section) []verify.TrustedKey {
	var keys []verify.TrustedKey
	for _, s := range host.Sections("trustedKeys") {
		level := verify.Level(s.String("level", string(verify.Partner)))
		if level != verify.Official && level != verify.Partner {
			s.Problem("level", "must be official or partner")
			continue
		}
		key, err := verify.ParseTrustedKey(s.String("ids", ""), s.String("key", ""), level)
		if err != nil {
			s.Problem("", err.Error())
			continue
		}
		keys = append(keys, key)
	}
	return keys
}

func readEntry(c *config.Config, plugins *config.Section, id, dir string) (Entry, bool) {
	e := Entry{ID: manifest.ID(id), At: plugins.Position(id)}
	if err := e.ID.Check(); err != nil {
		plugins.Problem(id, err.Error())
		return e, false
	}
	if on, ok := plugins.Value(id).(bool); ok { // hello-go: false
		e.Enabled = on
		return e, true
	}
	s := plugins.Section(id)
	e.Enabled = s.Bool("enabled", true)
	e.Development = s.Bool("development", false)
	if source := s.String("source", ""); source != "" {
		e.Source = resolve(dir, source)
	}
	if e.Development && strings.HasSuffix(e.Source, ".tar.zst") {
		s.Problem("development", "is for a folder; a package is trusted by its signature or by the lock file")
	}
	if s.Has("settings") {
		e.Values, _ = s.Section("settings").Value("").(map[string]any)
	}
	e.AllowPrivate = s.Strings("egress.allowPrivate")
	e.Readable = readReadable(s, dir)
	e.AbortBoot = readBootFailure(c, s, id)
	for _, key := range s.Keys() {
		known(s, key, "source", "enabled", "development", "settings", "egress", "files", "onPluginBootFailure")
	}
	return e, true
}

func readReadable(s *config.Section, dir string) (paths []string) {
	for _, path := range s.Strings("files.read") {
		path = resolve(dir, path)
		if path == "/" {
			s.Problem("files.read", "must name folders: the whole machine is too much to read")
			continue
		}
		paths = append(paths, path)
	}
	return paths
}

// readBootFailure also knows the reference's place for it, backend.startup.
func readBootFailure(c *config.Config, s *config.Section, id string) (abort bool) {
	startup := c.Section("backend.startup")
	word := startup.String("default.onPluginBootFailure", "continue")
	word = startup.Section("plugins").Section(id).String("onPluginBootFailure", word)
	word = s.String("onPluginBootFailure", word)
	if word != "abort" && word != "continue" {
		s.Problem("onPluginBootFailure", "must be abort or continue")
	}
	return word == "abort"
}

func known(s *config.Section, key string, keys ...string) {
	if !slices.Contains(keys, key) {
		s.Problem(key, "is not a key of "+s.Path()+"; there are "+strings.Join(keys, ", "))
	}
}

func resolve(dir, path string) string {
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	if absolute, err := filepath.Abs(path); err == nil {
		return absolute
	}
	return path
}
