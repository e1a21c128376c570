// Command idp is a provider of OpenID Connect, and a GitHub, for walks in a browser. Its first line says in JSON how it is asked. Each line
// that it reads is a list of faults in JSON, which it has from then on and answers with "ok". It runs until it is told to end.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/callboard/callboard/server/internal/auth/idptest"
)

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer) error {
	server, err := idptest.Start(idptest.Options{})
	if err != nil {
		return err
	}
	defer server.Close()
	ann := idptest.Ann
	github, end := idptest.StartGitHub(idptest.GitHubUser{ID: 1, Login: ann.Username, Name: ann.Name, Email: ann.Email})
	defer end()
	err = json.NewEncoder(out).Encode(map[string]any{
		"issuer": server.Issuer, "password": idptest.Password, "githubIssuer": github.URL,
		"oidc":   map[string]string{"metadataUrl": server.MetadataURL, "clientId": server.ClientID, "clientSecret": server.Secret},
		"github": map[string]string{"clientId": github.ClientID, "clientSecret": github.Secret, "enterpriseInstanceUrl": github.URL},
	})
	if err != nil {
		return err
	}
	go obey(server, in, out) // until the process ends
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	<-ctx.Done()
	return nil
}

func obey(server *idptest.Server, in io.Reader, out io.Writer) {
	for lines := bufio.NewScanner(in); lines.Scan(); {
		var faults []idptest.Fault
		answer := "ok"
		if err := json.Unmarshal(lines.Bytes(), &faults); err != nil {
			answer = err.Error()
		}
		server.Set(faults...)
		_, _ = fmt.Fprintln(out, answer) // who asked is gone; nobody to tell
	}
}
