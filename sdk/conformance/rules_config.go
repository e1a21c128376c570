package conformance

import (
	"context"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/callboard/callboard/sdk/excerpt"
	"github.com/callboard/callboard/sdk/pluginv1"
)

var configRules = []Rule{
	{ID: "config.good", Level: Must, Sentence: "It accepts settings that fit its schema.", check: checkGoodSettings},
	{ID: "describe.services", Level: Must, Sentence: "The services that it names are served, and list what it says it provides.", check: checkServices},
	{ID: "describe.stable", Level: Must, Sentence: "Describe answers the same each time, whatever the settings.", check: checkStable},
	{ID: "config.bad", Level: Must, Sentence: "ValidateConfig refuses settings that do not fit its schema.", check: checkBadSettings},
	{ID: "config.wrong", Level: Must, Sentence: "Wrong settings in Configure are answered with what is wrong, and the former ones stay in use.", check: checkWrongConfigure},
	{ID: "config.path", Level: Should, Sentence: "What it says about wrong settings names the place.", check: checkSettingsPath},
}

func checkGoodSettings(ctx context.Context, b *bench) error {
	p, cases, err := b.settingsFor(ctx)
	if err != nil {
		return err
	}
	for _, good := range []candidate{{"all settings", cases.good}, {"the required settings alone", cases.bare}} {
		what := good.what
		problems, err := p.validate(ctx, good.json)
		if err != nil {
			return found("ValidateConfig answers diagnostics; it fails for no settings.", "ValidateConfig with %s fails with %s", what, describeError(err))
		}
		if problems != "" {
			return found("Accept what the schema allows, or say in the schema what you do not take; `--settings` gives better settings than the kit can make.", "ValidateConfig with %s refuses: %s", what, problems)
		}
	}
	b.configured = false
	_, err = b.plugin(ctx)
	return err
}

func (b *bench) settingsFor(ctx context.Context) (*instance, *settingsCases, error) {
	p, err := b.process(ctx)
	if err != nil {
		return nil, nil, err
	}
	cases, err := b.cases()
	return p, cases, err
}

func (p *instance) validate(ctx context.Context, settings []byte) (problems string, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	answer, err := p.plugin.ValidateConfig(ctx, &pluginv1.ValidateConfigRequest{SettingsJson: settings})
	return refusals(answer.GetDiagnostics()), err
}

// hostileSettings are what no schema allows, for a plugin with or without one.
var hostileSettings = []candidate{
	{"no JSON", []byte(`{"`)}, {"a list", []byte(`[]`)}, {"a text", []byte(`"x"`)}, {"a number", []byte(`1`)},
	{"deep nesting", []byte(deep(2000))}, {"wrong UTF-8", []byte("{\"a\":\"\xff\"}")}, {"two values", []byte(`{}{}`)},
}

func deep(n int) string {
	text := make([]byte, 0, 12*n)
	for range n {
		text = append(text, `{"a":`...)
	}
	text = append(text, '1')
	for range n {
		text = append(text, '}')
	}
	return string(text)
}

func checkBadSettings(ctx context.Context, b *bench) error {
	p, cases, err := b.settingsFor(ctx)
	if err != nil {
		return err
	}
	const advice = "Check settings against your schema in ValidateConfig, and answer a Diagnostic of severity ERROR."
	for _, bad := range cases.bad {
		problems, err := p.validate(ctx, bad.json)
		switch {
		case p.gone(err):
			return p.whyEnded("It ended when it had to validate settings " + bad.what)
		case err != nil && !refusesInput(err):
			return found(advice, "ValidateConfig of settings %s fails with %s", bad.what, describeError(err))
		case err == nil && problems == "":
			return found(advice, "ValidateConfig accepts settings %s, which its schema does not allow", bad.what)
		}
	}
	for _, hostile := range hostileSettings {
		if _, err := p.validate(ctx, hostile.json); p.gone(err) {
			return p.whyEnded("It ended when it had to validate " + hostile.what)
		} else if err != nil && !refusesInput(err) {
			return found(advice, "ValidateConfig of %s fails with %s", hostile.what, describeError(err))
		}
	}
	return nil
}

// refusesInput tells an answer about what was sent from a failure of the plugin.
func refusesInput(err error) bool {
	switch status.Code(err) {
	case codes.InvalidArgument, codes.FailedPrecondition, codes.OutOfRange:
		return true
	default:
		return false
	}
}

func checkWrongConfigure(ctx context.Context, b *bench) error {
	p, err := b.plugin(ctx)
	if err != nil {
		return err
	}
	cases, err := b.cases()
	if err != nil {
		return err
	}
	const advice = "Check settings before they are used; answer a Diagnostic of severity ERROR or an error, and keep the former settings."
	wrong := cases.bad
	if len(wrong) > 0 {
		wrong = append(slices.Clone(wrong), candidate{"as a broken text", []byte(`{"`)})
	}
	for _, bad := range wrong {
		what, settings := "settings "+bad.what, bad.json
		ctx, cancel := context.WithTimeout(ctx, callTime)
		answer, err := p.plugin.Configure(ctx, p.configuration(settings))
		cancel()
		switch {
		case p.gone(err):
			return p.whyEnded("It ended in Configure with " + what)
		case status.Code(err) == codes.DeadlineExceeded:
			return found(advice, "Configure with %s does not answer within %s", what, callTime)
		case err == nil && refusals(answer.GetDiagnostics()) == "":
			return found(advice, "Configure takes %s", what)
		}
	}
	return checkHealth(ctx, b)
}

func checkSettingsPath(ctx context.Context, b *bench) error {
	p, cases, err := b.settingsFor(ctx)
	if err != nil {
		return err
	}
	for _, bad := range cases.bad {
		if !strings.HasPrefix(bad.what, "with") {
			continue
		}
		answer, err := p.plugin.ValidateConfig(ctx, &pluginv1.ValidateConfigRequest{SettingsJson: bad.json})
		if err != nil {
			return nil //nolint:nilerr // config.bad tells
		}
		for _, d := range answer.GetDiagnostics() {
			if d.GetPath() == "" {
				return found(`Fill path of the Diagnostic with a JSON Pointer such as "/token": forms show the text beside the field.`, "For settings %s it says %q without a path", bad.what, excerpt.Of(d.GetSummary(), 120))
			}
		}
		return nil
	}
	return skip("Its settings have no members.")
}
