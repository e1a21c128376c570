package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// filesPerLocation keeps one Location small enough that reading it again is cheap.
const filesPerLocation = 100

func writeSingle(path string, c *catalog) (err error) {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := file.Close(); err == nil {
			err = closeErr
		}
	}()
	out := bufio.NewWriterSize(file, 1<<20)
	separator := ""
	for doc := range c.documents() {
		if _, err := out.WriteString(separator + doc.yaml); err != nil {
			return err
		}
		separator = "---\n"
	}
	return out.Flush()
}

func writeMany(dir string, c *catalog) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	var locations, targets []string
	finish := func() error {
		if len(targets) == 0 {
			return nil
		}
		name := fmt.Sprintf("part-%05d", len(locations))
		locations = append(locations, "./"+name+"/location.yaml")
		err := os.WriteFile(filepath.Join(dir, name, "location.yaml"), []byte(location(name, targets)), 0o644)
		targets = targets[:0]
		return err
	}
	for doc := range c.documents() {
		part := filepath.Join(dir, fmt.Sprintf("part-%05d", len(locations)))
		if len(targets) == 0 {
			if err := os.MkdirAll(part, 0o755); err != nil {
				return err
			}
		}
		file := strings.ToLower(doc.kind) + "-" + doc.name + ".yaml"
		if err := os.WriteFile(filepath.Join(part, file), []byte(doc.yaml), 0o644); err != nil {
			return err
		}
		targets = append(targets, "./"+file)
		if len(targets) == filesPerLocation {
			if err := finish(); err != nil {
				return err
			}
		}
	}
	if err := finish(); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "root.yaml"), []byte(location("generated-catalog", locations)), 0o644)
}

func location(name string, targets []string) string {
	return "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata:\n  name: " + name + "\nspec:\n  type: file\n  targets:\n    - " + strings.Join(targets, "\n    - ") + "\n"
}
