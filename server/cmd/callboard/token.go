package main

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/callboard/callboard/server/internal/app"
	"github.com/callboard/callboard/server/internal/auth"
	"github.com/callboard/callboard/server/internal/config"
)

// TokenCommand is `callboard token`: a token for scripts and for trying things out, signed with the host's own keys.
type TokenCommand struct {
	ConfigFlags
	User   string `help:"Issue a user token for this entity ref, such as user:default/guest." placeholder:"REF" xor:"subject" required:""`
	Plugin string `help:"Issue a plugin token in the name of this plugin id." placeholder:"ID" xor:"subject" required:""`
	Target string `help:"The plugin that a plugin token is for." placeholder:"ID"`
}

// Run prints the token alone on standard output.
func (c *TokenCommand) Run(ctx context.Context, p *Program) error {
	cfg, err := config.Load(ctx, config.Options{Files: c.Files, Env: p.Env})
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
