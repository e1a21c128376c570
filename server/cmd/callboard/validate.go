package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	cataloginfo "github.com/callboard/callboard/catalog-info"
)

// ValidateCommand is `callboard validate`.
type ValidateCommand struct {
	Files []string `arg:"" name:"file" help:"Catalog files, such as catalog-info.yaml."`
}

// Run prints each finding on a line of its own, as compilers do; it fails when one of them keeps an entity out of the
// catalog.
func (c *ValidateCommand) Run(p *Program) error {
	var files []cataloginfo.File
	for _, name := range c.Files {
		data, err := readCatalogFile(name)
		if err != nil {
			return err
		}
		files = append(files, cataloginfo.File{Name: name, Data: data})
	}
	failed := 0
	for _, finding := range cataloginfo.Lint(cataloginfo.DefaultRegistry(), cataloginfo.OperatorLimits(), files...) {
		fmt.Fprintln(p.Stdout, finding)
		if finding.Severity == cataloginfo.SeverityError {
			failed++
		}
	}
	if failed > 0 {
		fmt.Fprintf(p.Stdout, "%s in %s\n", count(failed, "error"), count(len(files), "file"))
		return errReported
	}
	fmt.Fprintf(p.Stdout, "%s checked, no errors\n", count(len(files), "file"))
	return nil
}

func readCatalogFile(name string) ([]byte, error) {
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return nil, fmt.Errorf("%s is a folder; name the files in it, such as %s", name, filepath.Join(name, "*.yaml"))
	}
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no file %s", name)
	}
	return data, err
}
