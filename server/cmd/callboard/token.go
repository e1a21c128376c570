package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/callboard/callboard/server/internal/app"
	"github.com/callboard/callboard/server/internal/auth"
)

// TokenCommand is `callboard token`: a token for scripts and for trying things out, signed with the host's own keys.
type TokenCommand struct {
	ConfigFlags
	User   string `help:"Issue a user token for this entity ref, such as user:default/guest." placeholder:"REF" xor:"subject,target"`
	Plugin string `help:"Issue a plugin token in the name of this plugin id; needs --target." placeholder:"ID" xor:"subject"`
	Target string `help:"The plugin that a plugin token is for." placeholder:"ID" xor:"target"`
}

// Validate is called by kong.
func (c *TokenCommand) Validate() error {
	if c.User == "" && (c.Plugin == "" || c.Target == "") {
		return errors.New("say whose token it is to be: --user=REF, or --plugin=ID with --target=ID")
	}
	return nil
}

// Run prints the token alone on standard output.
func (c *TokenCommand) Run(ctx context.Context, p *Program) error {
	cfg, _, err := c.load(ctx, p)
	if err != nil {
		return err
	}
	token, err := app.Mint(ctx, cfg, slog.New(slog.DiscardHandler), auth.MintRequest{User: c.User, Plugin: c.Plugin, Target: c.Target})
	if err != nil {
		return err
	}
	fmt.Fprintln(p.Stdout, token)
	return nil
}
