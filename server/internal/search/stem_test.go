package search

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The right-hand sides are the stems that the reference's stemmer gives.
func TestStem(t *testing.T) {
	const known = `
		caresses caress · ponies poni · ties ti · cats cat · agreed agre · feed feed · plastered plaster · motoring motor
		sing sing · conflated conflat · troubled troubl · sized size · hopping hop · falling fall · hissing hiss
		failing fail · filing file · happy happi · sky ski · pay pay · keys key · try tri · say say · relational relat
		conditional condit · valenci valenc · digitizer digit · radically radic · differently differ · analogously analog
		vietnamization vietnam · predication predic · operator oper · feudalism feudal · decisiveness decis
		hopefulness hope · callousness callous · formality formal · sensitivity sensit · sensibility sensibl
		triplicate triplic · formative form · formalize formal · electricity electr · electrical electr · hopeful hope
		goodness good · revival reviv · allowance allow · inference infer · airliner airlin · adjustable adjust
		irritant irrit · replacement replac · adjustment adjust · dependent depend · adoption adopt · communism commun
		activate activ · homologous homolog · effective effect · bowdlerize bowdler · probate probat · rate rate
		cease ceas · controlling control · roll roll · declarations declar · berths berth · websites websit
		by by · v2 v2 · grüße grüße · yes ye · eed e · ies ie · oed o · sses sse · grüßeing grüße · v1betas v1beta
		港湾 港湾 · 港湾s 港湾 · caféing café · a1üüing a1ü`
	for pair := range strings.SplitSeq(strings.ReplaceAll(known, "\n", "·"), "·") {
		word, want, ok := strings.Cut(strings.TrimSpace(pair), " ")
		if ok && stem(word) != want {
			t.Errorf("stem(%q) = %q, want %q", word, stem(word), want)
		}
	}
}

func TestTokens(t *testing.T) {
	for text, want := range map[string][]string{
		"":                                  nil,
		"-- _":                              nil,
		"Berth Planner":                     {"berth", "planner"},
		"/catalog/default/api/a.b_c":        {"catalog", "default", "api", "a", "b", "c"},
		"GRÜSSE 港湾, v2!":                    {"grüsse", "港湾", "v2"},
		"bad \xff utf":                      {"bad", "utf"},
		"user:default/ada.keeper@mail.test": {"user", "default", "ada", "keeper", "mail", "test"},
	} {
		if diff := cmp.Diff(want, tokens(text)); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

func FuzzStemAndTokens(f *testing.F) {
	for _, s := range []string{"", "ing", "yyyed", "sses ies", "İstanbul", "aed\xffing"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n := 0
		for range spans(s) {
			n++
		}
		all := tokens(s)
		if len(all) != n {
			t.Fatalf("%d tokens of %d spans", len(all), n)
		}
		if i := slices.IndexFunc(all, func(w string) bool { return w == "" || stem(w) == "" }); i >= 0 {
			t.Fatalf("token %q has no stem", all[i])
		}
	})
}
