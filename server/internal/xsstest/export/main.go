// Command export prints the corpus of texts that run where something forgets to escape them, and documents with places for
// them, as JSON: for tests that are not in Go.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/callboard/callboard/server/internal/xsstest"
)

func main() {
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	err := out.Encode(struct {
		Texts     []string          `json:"texts"`
		Documents map[string]string `json:"documents"`
	}{xsstest.Corpus(), xsstest.Documents})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
