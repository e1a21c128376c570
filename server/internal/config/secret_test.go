package config

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPrint_MasksSecretsAndNothingElse(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "file.txt", "canary-file")
	write(t, dir, "app-config.yaml", `
app:
  title: Shown
  baseUrl: ${CANARY_URL}
backend:
  auth:
    keys: [{secret: canary-1}]
    externalAccess:
      - type: static
        options: {token: canary-2, subject: shown-subject}
  database:
    client: pg
    connection: postgres://user:canary-3@db.internal:5432/callboard?sslmode=require
  cache:
    connection: "host=shown user=x password=canary-4 dbname=y"
integrations:
  github:
    - host: github.com
      token: {$env: CANARY_TOKEN}
      apps: [{appId: 5, privateKey: {$file: file.txt}, webhookSecret: canary-5, clientId: shown-id}]
proxy:
  endpoints:
    /x: {target: "http://shown", headers: {Authorization: Bearer canary-66666, X-Api-Key: canary-7, note: "Bearer canary-88888888"}}
plugins:
  passwordLength: 12
  keyboard: shown-keyboard
  tokens: [canary-9, canary-10]
  secrets: {anything: canary-11, number: 1234567890123}
  pem: |
    -----BEGIN RSA PRIVATE KEY-----
    canary-12
  stray: ghp_canary13canary13canary13
  link: https://shown.example.com/hook?token=canary-14&x=shown-x
  enabledSecret: true
`)
	c, err := Load(context.Background(), Options{Dir: dir, Env: []string{"CANARY_URL=http://canary-url", "CANARY_TOKEN=canary-env"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []Format{YAML, JSON} {
		var masked, open strings.Builder
		if err := c.Print(&masked, format, true); err != nil {
			t.Fatal(err)
		}
		if err := c.Print(&open, format, false); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(masked.String(), "canary") || strings.Contains(masked.String(), "1234567890123") {
			t.Errorf("%s shows a secret:\n%s", format, masked.String())
		}
		for _, shown := range []string{"Shown", "shown-subject", "shown-id", "shown-keyboard", "http://shown", "user:<secret>@db.internal:5432",
			"host=shown user=x password=<secret> dbname=y", "12", "https://shown.example.com/hook?token=<secret>&x=shown-x", "github.com", "true"} {
			if !strings.Contains(masked.String(), shown) {
				t.Errorf("%s hides %q:\n%s", format, shown, masked.String())
			}
		}
		for i := 1; i <= 14; i++ {
			if !strings.Contains(open.String(), fmt.Sprintf("canary%d", i)) && !strings.Contains(open.String(), fmt.Sprintf("canary-%d", i)) {
				t.Errorf("%s without masking lacks canary %d", format, i)
			}
		}
	}
}

func TestPrint_ReadsBackAsTheSameConfiguration(t *testing.T) {
	text := "b: [1, 2.5, true, null, x]\na: {'1': yes, e: [], o: {}, t: \"multi\\nline \\n\", n: '007', q: '# no', d: '2024-01-01', h: '0x1f', s: ' lead', z: '', u: \"\\u0007\"}\n"
	c := FromYAML(text)
	var y, j strings.Builder
	if err := c.Print(&y, YAML, false); err != nil {
		t.Fatal(err)
	}
	if err := c.Print(&j, JSON, false); err != nil {
		t.Fatal(err)
	}
	if again := FromYAML(y.String()); !again.Equal(c) {
		t.Errorf("YAML changed:\n%s", y.String())
	}
	var value any
	if err := json.Unmarshal([]byte(j.String()), &value); err != nil {
		t.Fatalf("%v\n%s", err, j.String())
	}
	if diff := cmp.Diff(c.Root().Value(""), value); diff != "" {
		t.Error(diff)
	}
	if err := c.Print(&y, "toml", false); err == nil {
		t.Error("an unknown format is accepted")
	}
}

func TestCheck_FindsWrongValuesUnsetVariablesAndMisspeltKeys(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "app-config.yaml", `
app: {title: 5, baseUrl: localhost}
backend:
  baseUrl: ftp://x
  listen: {host: 127.0.0.1, port: 99999}
  database: sqlite
catalog:
  processingInterval: 30
  locations: {type: file}
  unknownKeysAre: fine
madeUp: {plugin: {port: text}}
callboard:
  frontend: {dits: ./x}
  consol: {enabled: true}
  console: {access: everyone}
  tenants: {acme: {anything: 1}}
  other: 1
`)
	c, err := Load(context.Background(), Options{Dir: dir, Env: []string{"APP_CONFIG_permission_enabled=perhaps"}})
	if err != nil {
		t.Fatal(err)
	}
	c.Root().Problem("madeUp.plugin.port", "must be 443")
	var got []string
	for _, p := range c.Check("callboard.tenants.*") {
		got = append(got, p.Severity.String()+" "+p.Error())
	}
	want := []string{
		`error APP_CONFIG_permission_enabled: permission.enabled: must be true or false, got string "perhaps"`,
		`error app-config.yaml:2: app.baseUrl: must be an absolute http or https URL`,
		`error app-config.yaml:2: app.title: must be a string, got number; put it in quotes`,
		`error app-config.yaml:4: backend.baseUrl: must be an absolute http or https URL`,
		`error app-config.yaml:5: backend.listen.port: must be a port from 0 to 65535`,
		`error app-config.yaml:6: backend.database: must be an object, got string "sqlite"`,
		`error app-config.yaml:8: catalog.processingInterval: a plain number has no unit; write for example '30s' or {seconds: 30}`,
		`error app-config.yaml:9: catalog.locations: must be a list of objects, got object`,
		`error app-config.yaml:11: madeUp.plugin.port: must be 443`,
		`error app-config.yaml:15: callboard.console.access: must be authenticated or public-on-loopback`,
		`warning app-config.yaml:13: callboard.frontend.dits: is not a key that Callboard knows; did you mean callboard.frontend.dist?`,
		`warning app-config.yaml:14: callboard.consol: is not a key that Callboard knows; did you mean callboard.console?`,
		`warning app-config.yaml:17: callboard.other: is not a key that Callboard knows`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if n := len(strings.Split(c.Err().Error(), "\n")); n != 1 {
		t.Errorf("Check left %d problems in the configuration, there was 1", n)
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
