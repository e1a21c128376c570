// Command idp is a provider of OpenID Connect for walks in a browser. It prints how it is asked as one line of JSON, and
// runs until it is told to end.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/callboard/callboard/server/internal/auth/idptest"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	address := flag.String("listen", "127.0.0.1:0", "address to listen on")
	flag.Parse()
	server, err := idptest.Start(idptest.Options{Address: *address})
	if err != nil {
		return err
	}
	defer server.Close()
	if err := json.NewEncoder(os.Stdout).Encode(map[string]string{
		"metadataUrl": server.MetadataURL, "clientId": server.ClientID, "clientSecret": server.Secret, "password": idptest.Password,
	}); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	<-ctx.Done()
	return nil
}
