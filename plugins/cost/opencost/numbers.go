package opencost

import "bytes"

// notNumbers are what Go programs have written where JSON has no number: 0 ÷ 0 cores is how efficient an idle workload is.
var notNumbers = [][]byte{[]byte("NaN"), []byte("+Infinity"), []byte("-Infinity"), []byte("Infinity"), []byte("+Inf"), []byte("-Inf"), []byte("Inf")}

// withoutNaN puts null in the place of what is no number, outside of strings. Everything else stays as it is, also what is no
// JSON.
func withoutNaN(text []byte) []byte {
	if !bytes.Contains(text, []byte("NaN")) && !bytes.Contains(text, []byte("Inf")) {
		return text
	}
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); {
		if text[i] == '"' {
			end := endOfString(text, i)
			out = append(out, text[i:end]...)
			i = end
			continue
		}
		if n := notNumber(text[i:]); n > 0 {
			out = append(out, "null"...)
			i += n
			continue
		}
		out = append(out, text[i])
		i++
	}
	return out
}

func notNumber(text []byte) int {
	for _, name := range notNumbers {
		if bytes.HasPrefix(text, name) {
			return len(name)
		}
	}
	return 0
}

// endOfString is the place after the string that begins at i.
func endOfString(text []byte, i int) int {
	for i++; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}
