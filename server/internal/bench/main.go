// Command bench measures the hot paths of a built host beside their bare limits, in one run on one machine: absolute
// figures of a shared machine mean little, ratios do. It starts bin/callboard as a process of its own with a generated
// catalog, sends bounded traffic to 127.0.0.1 only, and prints a table.
//
// The part plugins does the same for plugins: the way of a request to one, a capability call, a start, memory, and a catalog
// with a plugin in its pipeline.
//
// The part scaffolder measures templates, tasks and their events; widgets measures pictures, batches and the size of what
// browsers load.
//
// Server and load generator are kept on separate cores. Throughput is given per second of the server's own CPU time,
// which a busy neighbour does not change much, and as requests per second.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

type options struct {
	binary  string
	sizes   []int
	seconds time.Duration
	rounds  int
	only    []string // parts; none = all
}

// wants reports whether a part, such as "plugins/hop", is to be measured.
func (o options) wants(part string) bool {
	whole, _, _ := strings.Cut(part, "/")
	return len(o.only) == 0 || slices.Contains(o.only, part) || slices.Contains(o.only, whole)
}

// part is one of the things that -only takes.
type part struct {
	name    string
	measure func(context.Context, options, *workshop, io.Writer) error
}

// parts are what -only takes.
func parts() []string {
	all := []string{"catalog", "scaffolder", "widgets", "plugins"}
	for _, p := range slices.Concat(scaffolderParts(), widgetParts(), pluginParts()) {
		all = append(all, p.name)
	}
	return all
}

func measureAll(ctx context.Context, o options, shop *workshop, wanted []part, w io.Writer) error {
	for _, p := range wanted {
		if err := p.measure(ctx, o, shop, w); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

func main() {
	hello := flag.String("hello", "", "serve the bare limit on this address and nothing else (used by bench itself)")
	bare := flag.String("proxy", "", "serve a bare reverse proxy to the unix socket -to on this address and nothing else (used by bench itself)")
	to := flag.String("to", "", "see -proxy")
	only := flag.String("only", "", "what to measure: "+strings.Join(parts(), ", ")+", or several with commas; everything if not given")
	binary := flag.String("binary", "bin/callboard", "the host to measure")
	sizes := flag.String("sizes", "10000,100000", "catalog sizes, in entities")
	seconds := flag.Duration("seconds", 3*time.Second, "how long each figure is measured in each round")
	rounds := flag.Int("rounds", 3, "rounds of the throughput comparison; the median counts")
	flag.Parse()
	switch {
	case *hello != "":
		serveHello(*hello)
		return
	case *bare != "":
		serveProxy(*bare, *to)
		return
	}
	o := options{binary: *binary, seconds: *seconds, rounds: *rounds}
	if *only != "" {
		o.only = strings.Split(*only, ",")
	}
	for _, part := range o.only {
		if !slices.Contains(parts(), part) {
			fmt.Fprintf(os.Stderr, "bench: -only: there is no part %q; there are %s\n", part, strings.Join(parts(), ", "))
			os.Exit(2)
		}
	}
	for s := range strings.SplitSeq(*sizes, ",") {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			fmt.Fprintf(os.Stderr, "bench: -sizes: %q is not a number of entities\n", s)
			os.Exit(2)
		}
		o.sizes = append(o.sizes, n)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
