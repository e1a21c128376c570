package embed

import (
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/server/internal/config"
)

func TestApps_AreReadWithDefaultsAndOriginsAsBrowsersWriteThem(t *testing.T) {
	cfg := config.FromYAML(`
callboard:
  embed:
    apps:
      portal:
        origins: [https://Portal.Example.com:443/, http://localhost:8080]
        widgets: ['cost/*']
        entities: [Component:Shop, 'component:*']
      partner: {title: Partner, services: [plugin:portal, ci], users: true, widgets: ['*'], features: [export], session: 1h, mayNameViewers: true}`)
	apps := NewApps(cfg, slog.New(slog.DiscardHandler))
	if err := cfg.Err(); err != nil {
		t.Fatal(err)
	}
	portal, _ := apps.Find("portal")
	if !slices.Equal(portal.Origins, []string{"http://localhost:8080", "https://portal.example.com"}) ||
		!slices.Equal(portal.Services, []string{"portal"}) || !slices.Equal(portal.Entities, []string{"component:default/shop", "component:*"}) ||
		portal.Title != "portal" || portal.Session != 8*time.Hour || portal.Users || portal.MayNameViewers || len(portal.Features) > 0 {
		t.Errorf("%+v", portal)
	}
	partner, _ := apps.Find("partner")
	if !partner.Users || !partner.MayNameViewers || partner.Session != time.Hour || partner.Entities[0] != "*" || len(partner.Origins) > 0 {
		t.Errorf("%+v", partner)
	}
	if !apps.AllowsOrigin("https://portal.example.com") || apps.AllowsOrigin("https://portal.example.com:443") || apps.AllowsOrigin("") {
		t.Error("origins are not those of the apps")
	}
	if _, ok := apps.Find("nope"); ok {
		t.Error("an app that nobody configured")
	}
}

func TestApps_ThatAreWrongAreToldByKeyAndRule(t *testing.T) {
	for text, want := range map[string]string{
		"app: {portal: {}}": "callboard.embed.app", "apps: {Portal: {widgets: ['*']}}": "lower-case",
		"apps: {p: {}}": "widgets", "apps: {p: {widgets: ['*'], widget: x}}": "is not known here",
		"apps: {p: {widgets: ['*'], features: [print]}}":                             "export, forms, tryit",
		"apps: {p: {widgets: ['*'], session: 30 days}}":                              "7 days",
		"apps: {p: {widgets: ['*'], entities: [shop]}}":                              "entity refs",
		"apps: {p: {widgets: ['*'], origins: ['*']}}":                                "origins of pages",
		"apps: {p: {widgets: ['*'], origins: ['https://*.example.com']}}":            "without stars",
		"apps: {p: {widgets: ['*'], origins: [portal.example.com]}}":                 "origins of pages",
		"apps: {p: {widgets: ['*'], origins: ['https://a.test/path']}}":              "without path",
		"apps: {p: {widgets: ['*'], origins: ['https://me@a.test']}}":                "origins of pages",
		"apps: {p: {widgets: ['*'], origins: ['javascript://a.test']}}":              "origins of pages",
		"apps: {p: {widgets: ['*'], origins: [\"https://a.test; script-src 'x'\"]}}": "origins of pages",
	} {
		cfg := config.FromYAML("callboard: {embed: {" + text + "}}")
		CheckConfig(cfg)
		if err := cfg.Err(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func TestApps_ReloadKeepsTheFormerOnesWhenTheNewAreWrong(t *testing.T) {
	apps := NewApps(config.FromYAML("callboard: {embed: {apps: {one: {widgets: ['*'], origins: ['https://one.test']}}}}"), slog.New(slog.DiscardHandler))
	apps.Reload(config.FromYAML("callboard: {embed: {apps: {two: {}}}}"))
	if _, ok := apps.Find("one"); !ok {
		t.Error("a mistake ended the apps")
	}
	apps.Reload(config.FromYAML("callboard: {embed: {apps: {two: {widgets: ['*']}}}}"))
	if _, ok := apps.Find("one"); ok || apps.AllowsOrigin("https://one.test") {
		t.Error("an app is there that is configured no longer")
	}
	if _, ok := apps.Find("two"); !ok {
		t.Error("the new app is not there")
	}
}
