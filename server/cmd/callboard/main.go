// Command callboard is a Backstage-compatible backend: it serves the HTTP contract of Backstage's backend plugins from
// one process. See `callboard --help`.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/callboard/callboard/server/internal/config"
)

// version is set by the linker.
var version = "development"

// Program is what the commands share, so that tests can run a command with their own streams and environment.
type Program struct {
	Stdout, Stderr io.Writer
	Env            []string
	Terminal       bool // Stderr is a terminal
}

// CLI is the command line; see the help texts.
type CLI struct {
	Serve    ServeCommand     `cmd:"" help:"Serve the backend until interrupted."`
	Validate ValidateCommand  `cmd:"" help:"Check catalog files as the catalog would, with file, line and field of what is wrong."`
	Config   ConfigCommand    `cmd:"" help:"Show or check the merged configuration."`
	Token    TokenCommand     `cmd:"" help:"Issue a token on the database of a configured host."`
	Plugin   PluginCommand    `cmd:"" help:"Make, check and install plugins."`
	Template TemplateCommand  `cmd:"" help:"Try templates of the scaffolder."`
	Version  kong.VersionFlag `help:"Print the version and exit." short:"v"`

	PluginExec PluginExecCommand `cmd:"" hidden:""`
}

// ConfigFlags choose the configuration, as Backstage's own command line does.
type ConfigFlags struct {
	Files []string `name:"config" help:"Configuration file; repeat it to merge several, later ones win. Default: app-config.yaml and its variants (BACKSTAGE_ENV, .local) in the working directory." placeholder:"FILE" type:"path"`
}

// load reads the configuration that the flags choose. more are further variables, in the form of os.Environ.
func (f ConfigFlags) load(ctx context.Context, p *Program, more ...string) (*config.Config, config.Options, error) {
	options := config.Options{Files: f.Files, Env: append(slices.Clip(p.Env), more...)}
	cfg, err := config.Load(ctx, options)
	if _, missing := os.Stat(defaultConfig); err != nil && len(f.Files) == 0 && errors.Is(missing, fs.ErrNotExist) {
		return nil, options, fmt.Errorf("there is no %s in this folder; go to the folder that has one, or name a file with --config", defaultConfig)
	}
	return cfg, options, err
}

const defaultConfig = "app-config.yaml"

func main() {
	becomePlugin(os.Args)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	info, err := os.Stderr.Stat()
	p := &Program{Stdout: os.Stdout, Stderr: os.Stderr, Env: os.Environ(), Terminal: err == nil && info.Mode()&os.ModeCharDevice != 0}
	code := p.Run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// Run executes one command line and returns the exit code: 0, 1 for a failure, 2 for a wrong command line.
func (p *Program) Run(ctx context.Context, args []string) (code int) {
	var cli CLI
	exit := -1
	parser, err := kong.New(&cli, kong.Name("callboard"),
		kong.Description("Callboard is a backend for Backstage: it serves the frontend and its clients from one process."),
		kong.Vars{"version": version}, kong.Writers(p.Stdout, p.Stderr), kong.Exit(func(c int) { exit = c }),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(p))
	if err != nil {
		fmt.Fprintln(p.Stderr, "callboard:", err)
		return 1
	}
	parsed, err := parser.Parse(args)
	if exit >= 0 { // --help and --version have answered
		return exit
	}
	if err != nil {
		fmt.Fprintf(p.Stderr, "callboard: %v\nRun `%s --help` for what is possible.\n", err, failedCommand(err))
		return 2
	}
	if err := parsed.Run(); err != nil {
		if !errors.Is(err, errReported) {
			fmt.Fprintln(p.Stderr, "callboard:", err)
		}
		return 1
	}
	return 0
}

// failedCommand is the command line as far as it was understood, to ask for help on.
func failedCommand(err error) string {
	if parse, ok := errors.AsType[*kong.ParseError](err); ok && parse.Context != nil {
		if node := parse.Context.Selected(); node != nil {
			return node.FullPath()
		}
	}
	return "callboard"
}

// errReported is a failure whose reasons have been printed.
var errReported = errors.New("failed")
