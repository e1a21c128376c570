package gotext

import (
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
)

// forbidden are the functions that tell of the host or ask the network.
var forbidden = []string{"env", "expandenv", "getHostByName"}

// allowed are Sprig's functions and those of text/template that make texts, which are guarded like them by being named.
func allowed() template.FuncMap {
	all := sprig.TxtFuncMap()
	for _, name := range forbidden {
		delete(all, name)
	}
	all["print"], all["printf"], all["println"] = fmt.Sprint, fmt.Sprintf, fmt.Sprintln
	all["html"], all["js"], all["urlquery"] = template.HTMLEscaper, template.JSEscaper, template.URLQueryEscaper
	return all
}

// guard is f with the meter around it: what it gets and gives is measured, and what it will do is estimated where that is
// more than going through its arguments.
func (m *meter) guard(name string, f any) any {
	inner := reflect.ValueOf(f)
	kind := inner.Type()
	in := make([]reflect.Type, kind.NumIn())
	for i := range in {
		in[i] = kind.In(i)
	}
	failure := reflect.TypeFor[error]()
	outer := reflect.FuncOf(in, []reflect.Type{kind.Out(0), failure}, kind.IsVariadic())
	fail := func(err error) []reflect.Value {
		return []reflect.Value{reflect.Zero(kind.Out(0)), reflect.ValueOf(&err).Elem()}
	}
	return reflect.MakeFunc(outer, func(args []reflect.Value) []reflect.Value {
		if err := m.before(name, values(args, kind.IsVariadic())); err != nil {
			return fail(err)
		}
		var results []reflect.Value
		if kind.IsVariadic() {
			results = inner.CallSlice(args)
		} else {
			results = inner.Call(args)
		}
		if len(results) == 2 && !results[1].IsNil() {
			return fail(results[1].Interface().(error)) //nolint:forcetypeassert // the second result of a template function
		}
		if err := m.charge(results[0].Interface()); err != nil {
			return fail(err)
		}
		return []reflect.Value{results[0], reflect.Zero(failure)}
	}).Interface()
}

// values are the arguments one by one.
func values(args []reflect.Value, variadic bool) []any {
	var all []any
	for i, arg := range args {
		if !variadic || i < len(args)-1 {
			all = append(all, arg.Interface())
			continue
		}
		for j := range arg.Len() {
			all = append(all, arg.Index(j).Interface())
		}
	}
	return all
}

func (m *meter) before(name string, args []any) error {
	if err := m.charge(args...); err != nil {
		return err
	}
	estimate, ok := estimates[name]
	if !ok {
		return nil
	}
	size, steps := estimate(args)
	if size > maxValue || size < 0 {
		return m.fail("%s would make a value larger than %d bytes", name, maxValue)
	}
	return m.spend(steps)
}

// slow is what a function costs that is made to be slow: ten of them fit into a text.
const slow = maxSteps / 11

// estimate bounds from above how large a function's result is, and how many steps it takes.
type estimate func(args []any) (size, steps int)

// estimates are for the functions that may do much with small arguments.
var estimates = map[string]estimate{
	"repeat":      func(a []any) (int, int) { return product(number(a, 0), length(a, 1)), 0 },
	"indent":      func(a []any) (int, int) { return product(number(a, 0), 1+lines(a, 1)) + length(a, 1), 0 },
	"nindent":     func(a []any) (int, int) { return product(number(a, 0), 1+lines(a, 1)) + length(a, 1), 0 },
	"until":       func(a []any) (int, int) { return product(number(a, 0), 16), 0 },
	"untilStep":   func(a []any) (int, int) { return product(rounds(number(a, 0), number(a, 1), number(a, 2)), 16), 0 },
	"seq":         func(a []any) (int, int) { return product(sequence(a), 24), 0 },
	"replace":     replacing,
	"wrap":        func(a []any) (int, int) { return 2*length(a, 1) + 1, 0 },
	"wrapWith":    func(a []any) (int, int) { return product(length(a, 2)+1, length(a, 1)+1), 0 },
	"join":        func(a []any) (int, int) { return product(items(a, 1)+1, length(a, 0)), 0 },
	"printf":      formatted,
	"uniq":        func(a []any) (int, int) { return 0, product(items(a, 0), items(a, 0)) / 16 },
	"mustUniq":    func(a []any) (int, int) { return 0, product(items(a, 0), items(a, 0)) / 16 },
	"without":     func(a []any) (int, int) { return 0, product(items(a, 0), len(a)) / 16 },
	"mustWithout": func(a []any) (int, int) { return 0, product(items(a, 0), len(a)) / 16 },
	"fromJson":    func(a []any) (int, int) { return product(length(a, 0), 16), 0 },

	"mustFromJson": func(a []any) (int, int) { return product(length(a, 0), 16), 0 },

	"randAlphaNum": random, "randAlpha": random, "randAscii": random, "randNumeric": random, "randBytes": random,

	"genPrivateKey": keys, "genCA": keys, "genCAWithKey": keys, "genSelfSignedCert": keys, "genSelfSignedCertWithKey": keys,
	"genSignedCert": keys, "genSignedCertWithKey": keys, "derivePassword": expensive, "bcrypt": expensive, "htpasswd": expensive,

	"regexMatch": matching, "mustRegexMatch": matching, "regexFindAll": matching, "mustRegexFindAll": matching, "regexFind": matching,
	"mustRegexFind": matching, "regexSplit": matching, "mustRegexSplit": matching,
	"regexReplaceAll": substituting, "mustRegexReplaceAll": substituting,
	"regexReplaceAllLiteral": substituting, "mustRegexReplaceAllLiteral": substituting,
}

func random(a []any) (int, int) { return number(a, 0), number(a, 0) / 16 }

func expensive([]any) (int, int) { return 0, slow }

// keys of the kind that takes minutes to find are refused.
func keys(a []any) (int, int) {
	if len(a) > 0 && a[0] == "dsa" {
		return 0, maxSteps + 1
	}
	return 0, slow * 3
}

func replacing(a []any) (int, int) {
	old, with, source := str(a, 0), str(a, 1), str(a, 2)
	return product(strings.Count(source, old), len(with)) + len(source), 0
}

// matching takes time by the size of the expression and of the text.
func matching(a []any) (int, int) { return 0, product(length(a, 0), length(a, 1)) / 256 }

func substituting(a []any) (int, int) {
	_, steps := matching(a)
	return product(length(a, 1)+1, length(a, 2)+1), steps
}

var digits = regexp.MustCompile(`[0-9]+`)

// formatted bounds widths and repeated arguments of a format.
func formatted(a []any) (int, int) {
	format := str(a, 0)
	total, widest := 0, 0
	for _, n := range digits.FindAllString(format, -1) {
		width, err := strconv.Atoi(n)
		if err != nil {
			return maxValue + 1, 0
		}
		widest = max(widest, width)
	}
	for i := 1; i < len(a); i++ {
		w := weight{}
		_ = w.add(reflect.ValueOf(a[i]), 0) // was measured before
		total = max(total, w.bytes)
		if strings.Contains(format, "*") {
			widest = max(widest, number(a, i))
		}
	}
	// Six is how much a quoted byte may take.
	return len(format) + product(strings.Count(format, "%"), widest+6*total), 0
}

// number is an argument as an integer, however templates write it, and never negative.
func number(args []any, i int) int {
	if i >= len(args) {
		return 0
	}
	n := 0
	switch v := reflect.ValueOf(args[i]); {
	case v.CanInt():
		n = int(min(max(v.Int(), -maxValue-1), maxValue+1))
	case v.CanUint():
		n = int(min(v.Uint(), maxValue+1))
	case v.CanFloat():
		n = int(min(max(v.Float(), -maxValue-1), maxValue+1))
	case v.Kind() == reflect.String:
		f, err := strconv.ParseFloat(strings.TrimSpace(v.String()), 64)
		if err != nil {
			i, _ := strconv.ParseInt(strings.TrimSpace(v.String()), 0, 64)
			f = float64(i)
		}
		n = int(min(max(f, -maxValue-1), maxValue+1))
	}
	return max(n, -n)
}

func str(args []any, i int) string {
	if i >= len(args) {
		return ""
	}
	s, _ := args[i].(string)
	return s
}

func length(args []any, i int) int { return len(str(args, i)) }

func lines(args []any, i int) int { return strings.Count(str(args, i), "\n") }

func items(args []any, i int) int {
	if i >= len(args) {
		return 0
	}
	if v := reflect.ValueOf(args[i]); v.Kind() == reflect.Slice || v.Kind() == reflect.Array || v.Kind() == reflect.Map {
		return v.Len()
	}
	return 1
}

// rounds is how many numbers there are at most from start to stop.
func rounds(start, stop, step int) int { return (start+stop)/max(step, 1) + 1 }

func sequence(a []any) int {
	switch len(a) {
	case 0, 1:
		return number(a, 0)
	case 2:
		return rounds(number(a, 0), number(a, 1), 1)
	}
	return rounds(number(a, 0), number(a, 2), number(a, 1))
}

// product does not overflow for what number and length answer.
func product(a, b int) int {
	if a > 0 && b > maxValue*64/a {
		return maxValue * 64
	}
	return a * b
}
