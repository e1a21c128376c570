package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"text/template"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/callboard/callboard/server/internal/app"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/pluginhost"
	"github.com/callboard/callboard/server/internal/pluginhost/develop"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/pluginhost/sandbox"
)

// PluginDevCommand is `callboard plugin dev`.
type PluginDevCommand struct {
	ConfigFlags
	Dir     string   `arg:"" optional:"" default:"." help:"Folder of the plugin." type:"path"`
	Port    int      `default:"7007" help:"Port on this machine."`
	Build   []string `help:"Command that builds the plugin, and its arguments, separated by commas; it runs in the folder, without a shell. Default: go build for Go, nothing for scripts." placeholder:"COMMAND,ARG"`
	Sandbox string   `default:"auto" enum:"off,auto,required" help:"Sandbox of the plugin: off, auto or required."`
	Verbose bool     `help:"Show what the host logs, not only what the plugin does."`
}

// The configuration of a development host and its sample catalog. Files of --config are laid over it.
var (
	//go:embed dev/app-config.yaml
	devConfig string
	//go:embed dev/catalog.yaml
	devCatalog []byte
)

// devFolder is below the plugin's folder. It is where commands look for the socket of a host when no configuration says
// otherwise, and a name that is never packed or watched.
var devFolder = filepath.Join(".cache", "plugins")

// Run is a host with an empty database and a sample catalog, which runs the plugin and replaces it at every change.
func (c *PluginDevCommand) Run(ctx context.Context, p *Program) error {
	m, err := manifest.Read(c.Dir)
	if err != nil {
		return fmt.Errorf("%s is not a plugin's folder:\n%w", c.Dir, err)
	}
	cfg, source, err := c.configure(ctx, p, m)
	if err != nil {
		return err
	}
	builder := c.builder(m)
	logger := app.NewLogger(cfg.Section("callboard.log"), p.Stderr, p.Terminal)
	host, err := app.New(ctx, app.Options{Config: cfg, Source: source, Logger: logger, Version: version})
	if err != nil {
		return err
	}
	dev := &devLoop{p: p, id: m.ID, host: host.Plugins(), now: time.Now}
	c.greet(p, m, builder)
	if first := dev.build(ctx, builder); first.Err != nil {
		fmt.Fprintln(p.Stdout, "The host runs; the plugin follows when it can be built.")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	changes, err := develop.Watch(ctx, c.Dir, programs(c.Dir, m))
	if err != nil {
		return err
	}
	loop := develop.Loop{Builder: builder, Building: dev.building, Built: dev.built, Serve: dev.serve, Served: dev.served}
	running, ctx := errgroup.WithContext(ctx)
	running.Go(func() error { defer cancel(); return host.Run(ctx) })
	running.Go(func() error { dev.watch(ctx); return nil })
	running.Go(func() error { loop.Run(ctx, changes); return nil })
	return running.Wait()
}

// configure writes the configuration of the host and loads it with what is laid over it.
func (c *PluginDevCommand) configure(ctx context.Context, p *Program, m *manifest.Manifest) (*config.Config, config.Options, error) {
	folder := filepath.Join(c.Dir, devFolder)
	if err := os.MkdirAll(folder, 0o711); err != nil { //nolint:gosec // the plugin's user passes through
		return nil, config.Options{}, fmt.Errorf("make the folder of the development host: %w", err)
	}
	var text strings.Builder
	err := template.Must(template.New("app-config.yaml").Funcs(template.FuncMap{"quote": strconv.Quote}).Parse(devConfig)).Execute(&text, map[string]any{
		"Port": c.Port, "Folder": folder, "Dir": c.Dir, "ID": m.ID, "Sandbox": sandbox.Level(c.Sandbox), "Verbose": c.Verbose,
	})
	if err != nil {
		return nil, config.Options{}, err
	}
	base := filepath.Join(folder, "app-config.yaml")
	if err := errors.Join(os.WriteFile(base, []byte(text.String()), 0o600), os.WriteFile(filepath.Join(folder, "catalog.yaml"), devCatalog, 0o600)); err != nil {
		return nil, config.Options{}, fmt.Errorf("write the configuration of the development host: %w", err)
	}
	files := append([]string{base}, c.Files...)
	if own := filepath.Join(c.Dir, defaultConfig); len(c.Files) == 0 && exists(own) {
		files = append(files, own)
	}
	return ConfigFlags{Files: files}.load(ctx, p)
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

func (c *PluginDevCommand) builder(m *manifest.Manifest) develop.Builder {
	if len(c.Build) > 0 {
		return develop.Builder{Dir: c.Dir, Argv: c.Build}
	}
	program := m.Run.Binaries[runtime.GOOS+"-"+runtime.GOARCH]
	if program == "" {
		return develop.Builder{Dir: c.Dir}
	}
	return develop.GoBuilder(c.Dir, filepath.Join(c.Dir, filepath.FromSlash(program)))
}

// programs are the files that builds make, whose changes are no changes of the plugin.
func programs(dir string, m *manifest.Manifest) []string {
	var files []string
	for _, program := range m.Run.Binaries {
		files = append(files, filepath.Join(dir, filepath.FromSlash(program)))
	}
	return files
}

func (c *PluginDevCommand) greet(p *Program, m *manifest.Manifest, b develop.Builder) {
	base := "http://localhost:" + strconv.Itoa(c.Port)
	fmt.Fprintf(p.Stdout, "Plugin %s %s from %s, under development:\n", m.ID, m.Version, c.Dir)
	fmt.Fprintln(p.Stdout, "this folder is trusted as it is, and everybody on this machine is signed in as guest. Do not serve others from here.")
	fmt.Fprintf(p.Stdout, "\n  console   %s/\n", base)
	if m.Provides.HTTP != nil {
		fmt.Fprintf(p.Stdout, "  routes    %s/api/%s/\n", base, m.ID)
	}
	socket := ""
	if here, err := os.Getwd(); err != nil || here != c.Dir {
		socket = " --socket " + filepath.Join(c.Dir, devFolder, pluginhost.ControlSocket)
	}
	fmt.Fprintf(p.Stdout, "  call      callboard plugin call%s %s GET / --as user:default/guest\n", socket, m.ID)
	fmt.Fprintf(p.Stdout, "  log       callboard plugin logs%s -f %s\n", socket, m.ID)
	if len(b.Argv) > 0 {
		fmt.Fprintf(p.Stdout, "  build     %s\n", strings.Join(b.Argv, " "))
	}
	fmt.Fprintln(p.Stdout)
}
