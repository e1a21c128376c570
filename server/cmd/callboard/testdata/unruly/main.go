// Command unruly is a plugin that does on demand what a host must survive. Tests drive it over its routes.
package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk"
)

// version is set by the linker, so that tests have several.
var version = "1.0.0"

// broken, when set by the linker, makes a version that never becomes ready: "exit" or "hang".
var broken string

func main() {
	switch broken {
	case "exit":
		fmt.Fprintln(os.Stderr, "this version cannot start")
		os.Exit(3)
	case "hang":
		time.Sleep(time.Hour)
	}
	p := sdk.New("unruly", sdk.About{Version: version, Title: "Unruly", License: "Apache-2.0"})
	p.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) {
		sdk.WriteJSON(w, http.StatusOK, map[string]string{"version": version})
	})
	p.HandleFunc("GET /hang", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	p.HandleFunc("GET /big", big)
	p.HandleFunc("GET /headers", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Large", strings.Repeat("x", number(r, "kb")<<10))
	})
	p.HandleFunc("POST /flood", func(_ http.ResponseWriter, r *http.Request) {
		go flood(time.Duration(number(r, "seconds")) * time.Second)
	})
	p.HandleFunc("POST /exit", func(http.ResponseWriter, *http.Request) { os.Exit(number(nil, "")) })
	p.Serve()
}

func number(r *http.Request, name string) int {
	if r == nil {
		return 7
	}
	n, err := strconv.Atoi(r.FormValue(name))
	if err != nil {
		panic("unruly: " + name + " is no number")
	}
	return n
}

// big answers that many megabytes.
func big(w http.ResponseWriter, r *http.Request) {
	piece := bytes.Repeat([]byte("unruly "), 1<<20/7)
	for range number(r, "mb") {
		if _, err := w.Write(piece); err != nil {
			return
		}
	}
}

// flood writes to both outputs as fast as they take it.
func flood(d time.Duration) {
	line := []byte(strings.Repeat("flood ", 100) + "\n")
	for end := time.Now().Add(d); time.Now().Before(end); {
		for range 100 {
			_, _ = os.Stderr.Write(line)
			_, _ = os.Stdout.Write(line)
		}
	}
	slog.Info("the flood is over")
}
