package draw

import (
	"regexp"
	"slices"
	"testing"
	"time"

	"golang.org/x/text/language"
)

var placeholder = regexp.MustCompile(`\{[^}]*\}`)

func TestWords_AreThereInEveryLanguageWithTheSamePlaceholders(t *testing.T) {
	if len(spoken) != languages {
		t.Fatalf("%d languages and %d columns", len(spoken), languages)
	}
	for w, texts := range said {
		want := placeholder.FindAllString(texts[0], -1)
		slices.Sort(want)
		for i, text := range texts {
			got := placeholder.FindAllString(text, -1)
			slices.Sort(got)
			if text == "" || !slices.Equal(got, want) {
				t.Errorf("word %d in %s is %q, in English %q", w, spoken[i], text, texts[0])
			}
		}
	}
	for i, c := range calendars {
		for _, form := range []string{c.inYear, c.day, c.months[0], c.months[11]} {
			if form == "" {
				t.Errorf("the calendar of %s is not whole", spoken[i])
			}
		}
	}
}

func TestLanguages_AreMatched(t *testing.T) {
	for tag, want := range map[string]language.Tag{
		"de-AT": language.German, "pt-BR": language.Portuguese, "es-419": language.Spanish, "fr-CA": language.French, "ja-JP": language.Japanese,
		"ar-EG": language.Arabic, "he": language.Hebrew, "iw": language.Hebrew, "en-GB": language.English, "it": language.English, "und": language.English, "zu": language.English,
	} {
		if got := lexiconOf(language.Make(tag)).tag(); got != want {
			t.Errorf("%s is answered in %s, want %s", tag, got, want)
		}
	}
}

func TestSay_FillsInTextAsItIs(t *testing.T) {
	if got := lexicon(0).say(wordOf, "{1}", "%s{0}"); got != "{1} of %s{0}" {
		t.Error(got)
	}
	if got := lexicon(0).say(wordOf, "1"); got != "1 of " {
		t.Error(got)
	}
}

func TestDates_AreWrittenAsTheLanguageDoes(t *testing.T) {
	at := time.Date(2026, time.March, 7, 0, 0, 0, 0, time.UTC)
	for i, want := range []string{"7 Mar 2026", "7. März 2026", "7 mars 2026", "7 mar 2026", "7 de mar. de 2026", "2026年3月7日", "7 مارس 2026", "7 מרץ 2026"} {
		if got := lexicon(i).date(at); got != want {
			t.Errorf("%s: %q, want %q", spoken[i], got, want)
		}
	}
}

func TestTextWidth_KnowsWideScripts(t *testing.T) {
	if textWidth("東京") <= textWidth("ab") || fitted("abcdef", 4*charWidth) != "abc…" || fitted("ab", 100) != "ab" {
		t.Error(textWidth("東京"), fitted("abcdef", 4*charWidth))
	}
}
