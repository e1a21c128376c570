// Command generate writes catalogs of any size for measurements: the same -n and -seed give the same bytes on every
// machine. Owners, tags and sizes are spread as in a grown company: few teams own much, few tags are common, few API
// definitions are long. Every reference resolves.
//
//	go run ./examples/catalog/generate -n 10000 -out .cache/bench/10k
//
// In the folder it writes single.yaml (one file with all documents), many/root.yaml (a Location over Locations of 100
// files each) and manifest.json (what is in it, so that a benchmark knows what to ask for).
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("generate", flag.ContinueOnError)
	n := flags.Int("n", 1000, "number of entities, at least 20; Locations come on top")
	seed := flags.Uint64("seed", 1, "another seed gives another catalog of the same shape")
	dir := flags.String("out", "", "folder to write to (required); single.yaml, many/ and manifest.json in it are replaced")
	layout := flags.String("layout", "both", "single (one file), many (a file per entity) or both")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case *dir == "":
		return errors.New("-out is missing: name the folder to write to")
	case *n < 20:
		return fmt.Errorf("-n %d is too small: every kind needs its share, so at least 20", *n)
	case *layout != "single" && *layout != "many" && *layout != "both":
		return fmt.Errorf("-layout %q is not one of single, many, both", *layout)
	}
	if err := os.MkdirAll(*dir, 0o755); err != nil {
		return err
	}
	catalog := newCatalog(*n, *seed)
	if *layout != "many" {
		if err := writeSingle(filepath.Join(*dir, "single.yaml"), catalog); err != nil {
			return err
		}
	}
	if *layout != "single" {
		if err := writeMany(filepath.Join(*dir, "many"), catalog); err != nil {
			return err
		}
	}
	manifest, err := json.MarshalIndent(catalog.manifest(), "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(*dir, "manifest.json"), append(manifest, '\n'), 0o644); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%d entities in %s\n", *n, *dir)
	return err
}
