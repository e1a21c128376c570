package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// PluginCallCommand is `callboard plugin call`.
type PluginCallCommand struct {
	HostFlags
	ID     string   `arg:"" help:"Plugin."`
	Method string   `arg:"" help:"GET, POST, …"`
	Path   string   `arg:"" help:"Path below /api/<id>, with its query."`
	As     string   `help:"User to call as, an entity reference such as user:default/ann; by default a service calls." placeholder:"REF"`
	Header []string `short:"H" help:"Further header, \"Name: value\"; repeatable." placeholder:"HEADER"`
	Data   string   `short:"d" help:"Body; @FILE reads a file." placeholder:"BODY"`
	Head   bool     `short:"i" help:"Print status and headers too."`
}

// Run calls a route of a plugin past the edge, as who is named: whoever can open the control socket is the operator.
func (c *PluginCallCommand) Run(ctx context.Context, p *Program) error {
	if !strings.HasPrefix(c.Path, "/") {
		return fmt.Errorf("the path %q must begin with /", c.Path)
	}
	if c.As != "" {
		ref, err := entity.ParseRef(c.As, entity.Defaults{Kind: "user", Namespace: "default"})
		if err != nil {
			return fmt.Errorf("--as: %w", err)
		}
		c.As = string(ref.Canonical())
	}
	header, body, err := c.request()
	if err != nil {
		return err
	}
	host, err := c.client(ctx, p)
	if err != nil {
		return err
	}
	res, err := host.Call(ctx, manifest.ID(c.ID), strings.ToUpper(c.Method), c.Path, c.As, header, body)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if c.Head {
		fmt.Fprintln(p.Stdout, res.Proto, res.Status)
		if err := res.Header.Write(p.Stdout); err != nil {
			return err
		}
		fmt.Fprintln(p.Stdout)
	}
	if _, err := io.Copy(p.Stdout, res.Body); err != nil {
		return err
	}
	if res.StatusCode >= http.StatusBadRequest {
		fmt.Fprintln(p.Stderr, "callboard: the answer is", res.Status)
		return errReported
	}
	return nil
}

func (c *PluginCallCommand) request() (http.Header, io.Reader, error) {
	header := http.Header{}
	for _, line := range c.Header {
		name, value, ok := strings.Cut(line, ":")
		if !ok || strings.TrimSpace(name) == "" {
			return nil, nil, fmt.Errorf("the header %q has not the form \"Name: value\"", line)
		}
		header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	if c.Data == "" {
		return header, nil, nil
	}
	if header.Get("Content-Type") == "" {
		header.Set("Content-Type", "application/json")
	}
	if file, ok := strings.CutPrefix(c.Data, "@"); ok {
		text, err := os.ReadFile(file)
		return header, strings.NewReader(string(text)), err
	}
	return header, strings.NewReader(c.Data), nil
}

// PluginRunProviderCommand is `callboard plugin run-provider`.
type PluginRunProviderCommand struct {
	HostFlags
	ID   string `arg:"" help:"Plugin."`
	Name string `arg:"" help:"Entity provider of the plugin."`
}

// Run refreshes a provider now.
func (c *PluginRunProviderCommand) Run(ctx context.Context, p *Program) error {
	host, err := c.client(ctx, p)
	if err != nil {
		return err
	}
	v, err := host.RunProvider(ctx, manifest.ID(c.ID), c.Name)
	if err != nil {
		return err
	}
	for _, provider := range v.Providers {
		if provider.Name == c.Name {
			fmt.Fprintf(p.Stdout, "%s of %s brought %s\n", c.Name, c.ID, plural(provider.Entities, "entity", "entities"))
			return nil
		}
	}
	return errors.New("the host does not know the provider any more")
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
