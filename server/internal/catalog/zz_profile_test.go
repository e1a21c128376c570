package catalog

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"io"
	"log/slog"

	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/store"
	"github.com/callboard/callboard/server/internal/store/storetest"
)

func TestZZProfile(t *testing.T) {
	file := os.Getenv("ZZ_FILE")
	if file == "" {
		t.Skip()
	}
	data, _ := os.ReadFile(file)
	want := strings.Count("\n"+string(data), "\nkind:") + 1
	var db *store.DB
	switch os.Getenv("ZZ_DB") {
	case "pg":
		db = storetest.PostgreSQL(t)
	case "mem":
		var err error
		db, err = store.Open(context.Background(), config.FromYAML("{client: better-sqlite3, connection: ':memory:'}").Root())
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
	default:
		var err error
		db, err = store.Open(context.Background(), config.FromValue(map[string]any{"connection": filepath.Join(t.TempDir(), "x.sqlite")}).Root())
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
	}
	deps := Deps{
		DB: db, Config: config.FromYAML("catalog:\n" + allKinds2 + "  locations: [{ type: file, target: " + file + " }]\n"), URLs: newWeb(map[string]string{}), Integrations: plainURLs{}, Dir: t.TempDir(),
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	e, err := New(context.Background(), deps)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	cpu := func() float64 {
		var u syscall.Rusage
		_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
		s := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
		return s(u.Utime) + s(u.Stime)
	}
	c0, began := cpu(), time.Now()
	go func() { ended <- e.Run(ctx) }()
	first := time.Duration(0)
	for {
		n := e.Index().Snapshot().Len()
		if n > 10 && first == 0 {
			first = time.Since(began)
		}
		if n >= want {
			break
		}
		if time.Since(began) > 60*time.Second {
			t.Fatal("timeout at ", n, " of ", want)
		}
		time.Sleep(5 * time.Millisecond)
	}
	allAt := time.Since(began)
	<-e.Ready()
	q := time.Since(began)
	c := cpu() - c0
	fmt.Printf("ZZ n=%d first=%.2fs all=%.2fs idle=%.2fs cpu=%.2fs  %.0f/cpu-s\n", want, first.Seconds(), allAt.Seconds(), q.Seconds(), c, float64(want)/c)
	sum := ""
	for doc := range e.Index().Snapshot().All() {
		_ = doc
	}
	_ = sum
	cancel()
	<-ended
}

const allKinds2 = "  rules: [{ allow: [Component, API, Resource, System, Domain, Group, User, Location, Template] }]\n"
