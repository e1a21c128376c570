package excerpt_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/callboard/callboard/sdk/excerpt"
)

func TestOf_KeepsWhatFitsAndMarksWhatItCuts(t *testing.T) {
	for _, c := range []struct {
		text string
		most int
		want string
	}{
		{"", 10, ""},
		{"ten bytes.", 10, "ten bytes."},
		{"eleven bytes", 10, "eleven …"},
		{"grüße aus Köln", 6, "gr…"}, // ü would need the bytes of the mark
		{"grüße aus Köln", 7, "grü…"},
		{"日本語", 9, "日本語"},
		{"日本語", 8, "日…"},
		{"a\xffb", 10, "a\uFFFDb"},
		{"\xff\xff\xff\xff", 9, "\uFFFD\uFFFD…"},
		{"\xe6\x97", 3, "…"}, // half a character is none, and each of its bytes counts
		{"abcd", 3, "…"},
	} {
		if got := excerpt.Of(c.text, c.most); got != c.want {
			t.Errorf("Of(%q, %d) = %q, want %q", c.text, c.most, got, c.want)
		}
	}
}

func TestLine_IsOneLineWhateverWasSent(t *testing.T) {
	for text, want := range map[string]string{
		"":                                  "",
		" \r\n\t ":                          "",
		"<html>\n  <b>502</b>\n":            "<html> <b>502</b>",
		"red\x1b[31m \x00and\xff\uFFFDmore": "red [31m and more",
		"a text that is longer":             "a text that is lo…",
	} {
		if got := excerpt.Line(text, 20); got != want {
			t.Errorf("Line(%q, 20) = %q, want %q", text, got, want)
		}
	}
}

func TestShort_BoundsWhatAMessageQuotes(t *testing.T) {
	if got := excerpt.Short(strings.Repeat("x", 1<<20)); len(got) != 120 || !strings.HasSuffix(got, "x…") {
		t.Errorf("Short of a megabyte: %d bytes, %q", len(got), got)
	}
}

func FuzzOf(f *testing.F) {
	for _, text := range []string{"", "plain", "grüße", "日本語", "a\xff\xfe", "\xf0\x9f\x98"} {
		f.Add(text, uint8(7))
	}
	f.Fuzz(func(t *testing.T, text string, n uint8) {
		most := 3 + int(n)
		got := excerpt.Of(text, most)
		switch cut := strings.TrimSuffix(got, "…"); {
		case len(got) > most || !utf8.ValidString(got):
			t.Fatalf("Of(%q, %d) = %q", text, most, got)
		case utf8.ValidString(text) && len(text) <= most && got != text:
			t.Fatalf("Of(%q, %d) = %q, although it fits", text, most, got)
		case utf8.ValidString(text) && !strings.HasPrefix(text, cut):
			t.Fatalf("Of(%q, %d) = %q, which is not how it begins", text, most, got)
		}
	})
}
