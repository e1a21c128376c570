package scm

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/scaffolder/rest"
)

// githubApp is an entry of integrations.github[].apps.
type githubApp struct {
	id     string
	key    *rsa.PrivateKey
	broken error    // why there is no key
	owners []string // allowedInstallationOwners, lower case; nil = all
}

func readApps(entry *config.Section) []githubApp {
	var apps []githubApp
	for _, section := range entry.Sections("apps") {
		app := githubApp{id: appID(section)}
		if app.key, app.broken = readRSA(section.String("privateKey", "")); app.broken != nil {
			// Hosts start with it, as in the reference: others than templates have no use for the key.
			app.broken = fmt.Errorf("%s.privateKey of the configuration is not an RSA key in PEM form: %w", section.Path(), app.broken)
		}
		for _, owner := range section.Strings("allowedInstallationOwners") {
			app.owners = append(app.owners, strings.ToLower(owner))
		}
		apps = append(apps, app)
	}
	return apps
}

// appID is a number or its text.
func appID(section *config.Section) string {
	if n, ok := section.Value("appId").(float64); ok {
		return strconv.FormatFloat(n, 'f', -1, 64)
	}
	return section.String("appId", "")
}

func readRSA(text string) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("no PEM block")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	if key, ok := key.(*rsa.PrivateKey); ok {
		return key, nil
	}
	return nil, errors.New("not an RSA key")
}

// jwt is the app's own credential for the next minutes.
func (a githubApp) jwt(now time.Time) (string, error) {
	if a.broken != nil {
		return "", a.broken
	}
	claims, err := json.Marshal(map[string]any{"iat": now.Add(-time.Minute).Unix(), "exp": now.Add(9 * time.Minute).Unix(), "iss": a.id})
	if err != nil {
		return "", err
	}
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(claims)
	digest := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, a.key, crypto.SHA256, digest[:])
	return text + "." + base64.RawURLEncoding.EncodeToString(signature), err
}

// appToken is a token of the first app that is installed at owner, "" = none is. It is asked for anew for each step, which
// takes two requests: a token that is kept could outlive the installation.
func (s *service) appToken(ctx context.Context, f forge, owner string) (string, error) {
	for _, app := range f.apps {
		if app.owners != nil && !slices.Contains(app.owners, strings.ToLower(owner)) {
			continue
		}
		token, err := s.installationToken(ctx, f, app, owner)
		if err != nil {
			return "", fmt.Errorf("token of the GitHub app %s for %s: %w", app.id, owner, err)
		}
		if token != "" {
			return token, nil
		}
	}
	return "", nil
}

func (s *service) installationToken(ctx context.Context, f forge, app githubApp, owner string) (string, error) {
	jwt, err := app.jwt(time.Now()) // GitHub's clock, which is not the tests'
	if err != nil {
		return "", err
	}
	api, err := s.githubAPI(f, "Bearer "+jwt, jwt)
	if err != nil {
		return "", err
	}
	type installation struct {
		ID      int64
		Account struct{ Login string }
	}
	list, err := rest.List[installation](ctx, api, rest.Path{"app", "installations"}, nil)
	if err != nil {
		return "", err
	}
	for _, i := range list {
		if strings.EqualFold(i.Account.Login, owner) {
			var made struct{ Token string }
			err := api.Post(ctx, rest.Path{"app", "installations", strconv.FormatInt(i.ID, 10), "access_tokens"}, map[string]any{}, &made)
			return made.Token, err
		}
	}
	return "", nil
}
