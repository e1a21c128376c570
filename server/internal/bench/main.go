// Command bench measures the hot paths of a built host beside their bare limits, in one run on one machine: absolute
// figures of a shared machine mean little, ratios do. It starts bin/callboard as a process of its own with a generated
// catalog, sends bounded traffic to 127.0.0.1 only, and prints a table.
//
// Server and load generator are kept on separate cores. Throughput is given per second of the server's own CPU time,
// which a busy neighbour does not change much, and as requests per second.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"
)

type options struct {
	binary  string
	sizes   []int
	seconds time.Duration
	rounds  int
}

func main() {
	hello := flag.String("hello", "", "serve the bare limit on this address and nothing else (used by bench itself)")
	binary := flag.String("binary", "bin/callboard", "the host to measure")
	sizes := flag.String("sizes", "10000,100000", "catalog sizes, in entities")
	seconds := flag.Duration("seconds", 3*time.Second, "how long each figure is measured in each round")
	rounds := flag.Int("rounds", 3, "rounds of the throughput comparison; the median counts")
	flag.Parse()
	if *hello != "" {
		serveHello(*hello)
		return
	}
	o := options{binary: *binary, seconds: *seconds, rounds: *rounds}
	for s := range strings.SplitSeq(*sizes, ",") {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			fmt.Fprintf(os.Stderr, "bench: -sizes: %q is not a number of entities\n", s)
			os.Exit(2)
		}
		o.sizes = append(o.sizes, n)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, o, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
