package scm

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/netguard"
)

func someHosts() hosts {
	return readHosts(config.FromYAML("integrations:\n  github: [{host: ghe.example.com, apiBaseUrl: 'https://ghe.example.com/api/v3'}]\n  gitea: [{host: gitea.example.com}]\n  bitbucketServer: [{host: bb.example.com}]\n"))
}

func TestRepoURL_IsReadAsTheReferenceReadsIt(t *testing.T) {
	h := someHosts()
	for text, want := range map[string]repoName{
		"github.com?owner=acme&repo=shop":                          {Host: "github.com", Owner: "acme", Repo: "shop"},
		"GitHub.com?repo=/shop/&owner=acme/":                       {Host: "github.com", Owner: "acme", Repo: "shop"},
		"ghe.example.com?owner=a%20b&repo=c%2Bd":                   {Host: "ghe.example.com", Owner: "a b", Repo: "c+d"},
		"gitlab.com?owner=group/sub&repo=shop":                     {Host: "gitlab.com", Owner: "group/sub", Repo: "shop"},
		"gitlab.com?project=17":                                    {Host: "gitlab.com", Project: "17"},
		"dev.azure.com?organization=o&project=p&repo=r":            {Host: "dev.azure.com", Organization: "o", Project: "p", Repo: "r"},
		"bitbucket.org?workspace=w&project=p&repo=r":               {Host: "bitbucket.org", Workspace: "w", Project: "p", Repo: "r"},
		"gitea.example.com?repo=r":                                 {Host: "gitea.example.com", Repo: "r"},
		"bb.example.com?project=p&repo=r&owner=o&unknown=x#ignore": {Host: "bb.example.com", Owner: "o", Project: "p", Repo: "r"},
	} {
		got, err := h.parseRepoURL(text)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v %s", text, err, diff)
		}
	}
	for text, says := range map[string]string{
		"":                                     "Invalid repo URL passed to publisher, got ",
		"git.example.com?owner=a&repo=b":       "No matching integration configuration for host git.example.com, please check your integrations config",
		"github.com?owner=a":                   "Invalid repo URL passed to publisher: https://github.com/?owner=a, missing repo",
		"github.com?repo=a":                    "Invalid repo URL passed to publisher: https://github.com/?repo=a, missing owner",
		"gitlab.com?project=/":                 "missing owner",
		"bitbucket.org?project=p&repo=r":       "missing workspace",
		"github.com?owner=..&repo=x":           "names must not be dots",
		"github.com?owner=a&repo=b/../c":       "names must not be dots",
		"github.com?owner=a&repo=%00":          "control characters",
		`github.com?owner=a&repo=b\c`:          "backslashes",
		"github.com\n?owner=a&repo=b":          "Invalid repo URL",
		"github.com?owner=a&repo=%zz":          "the query cannot be read",
		"evil.example.com@github.com:1?repo=x": "No matching integration configuration for host github.com:1",
	} {
		if _, err := h.parseRepoURL(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", text, err, says)
		}
	}
}

func TestHosts_ThoseThatNobodyConfiguredAreReachedAtPublicAddressesAlone(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	h := someHosts()
	for _, f := range []forge{h.github["github.com"], h.gitlab["gitlab.com"]} {
		answer, err := f.client.Get(server.URL)
		if err == nil {
			answer.Body.Close()
		}
		if !errors.Is(err, netguard.ErrNotPublic) {
			t.Errorf("%s: %v", f.host, err)
		}
	}
	answer, err := h.github["ghe.example.com"].client.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	h.github["ghe.example.com"].client.CloseIdleConnections()
}

func TestCheckRemote_TakesTheHostsOwnAddressesAlone(t *testing.T) {
	ghe := someHosts().github["ghe.example.com"]
	for remote, ok := range map[string]bool{
		"https://ghe.example.com/acme/shop.git": true, "https://GHE.example.com/acme/shop.git": true, "http://ghe.example.com/acme/shop.git": false, "https://ghe.example.com.evil.example/x.git": false,
		"https://ghe.example.com@evil.example/x.git": false, "https://evil.example/ghe.example.com": false, "ssh://ghe.example.com/x": false, "": false, "::": false, "https://ghe.example.com:8443/x": false,
	} {
		if err := ghe.checkRemote(remote); (err == nil) != ok {
			t.Errorf("%q: %v", remote, err)
		}
	}
}

func FuzzExplain(f *testing.F) {
	for _, body := range []string{`{"message":"m","errors":[{"a":1},"b"],"documentation_url":"u"}`, `{"message":{"a":["b"]}}`, `{"message":["a"]}`, `{"error":"a","error_description":"b"}`, `[]`, ``, `{"message":7}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, text := range []string{explainGitHub(body), explainGitLab(body)} {
			if len(text) > 8*len(body)+16 {
				t.Errorf("%q grew to %q", body, text)
			}
		}
	})
}

func FuzzRepoURL(f *testing.F) {
	for _, seed := range []string{"github.com?owner=acme&repo=shop", "gitlab.com?project=a%2Fb", "github.com?owner=..&repo=x", "[::1]?owner=a", "github.com#?owner=a&repo=b", "a@github.com/x?owner=a&repo=b;c"} {
		f.Add(seed)
	}
	h := someHosts()
	f.Fuzz(func(t *testing.T, text string) {
		r, err := h.parseRepoURL(text)
		if err != nil {
			return
		}
		if h.kinds[r.Host] == "" {
			t.Errorf("%q: the host %q is no integration", text, r.Host)
		}
		for _, value := range []string{r.Owner, r.Repo, r.Project, r.Organization, r.Workspace} {
			clean, err := url.JoinPath("https://h", "repos", strings.ReplaceAll(url.PathEscape(value), "%2F", "/"))
			if err != nil || value != "" && !strings.HasPrefix(clean, "https://h/repos/") {
				t.Errorf("%q: the name %q leads to %s", text, value, clean)
			}
		}
	})
}
