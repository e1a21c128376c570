package main

import (
	"fmt"
	"os"

	cataloginfo "github.com/callboard/callboard/catalog-info"
)

// ValidateCommand is `callboard validate`.
type ValidateCommand struct {
	Files []string `arg:"" name:"file" help:"Catalog files, such as catalog-info.yaml." type:"existingfile"`
}

// Run prints each finding on a line of its own, as compilers do; it fails when one of them keeps an entity out of the
// catalog.
func (c *ValidateCommand) Run(p *Program) error {
	var files []cataloginfo.File
	for _, name := range c.Files {
		data, err := os.ReadFile(name)
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
		fmt.Fprintf(p.Stdout, "%d errors in %d files\n", failed, len(files))
		return errReported
	}
	fmt.Fprintf(p.Stdout, "%d files are valid\n", len(files))
	return nil
}
