package conformance

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"regexp"
	"slices"
)

var (
	folderForm  = regexp.MustCompile(`/[rd]\d+`)
	faultForm   = regexp.MustCompile(`^(panic: |fatal error: |[\w.]*(Error|Exception): )`)
	idForm      = regexp.MustCompile(`^[a-z][a-z0-9-]{0,49}$`)
	versionForm = regexp.MustCompile(`^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$`)
)

// decodeJSON keeps integers of any size.
func decodeJSON(data []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
}

func sameJSON(a, b string) bool {
	x, err := decodeJSON([]byte(a))
	if err != nil {
		return false
	}
	y, err := decodeJSON([]byte(b))
	return err == nil && reflect.DeepEqual(x, y)
}

// metricForm is a line of Prometheus' text format.
var metricForm = regexp.MustCompile(`^(#.*|[a-zA-Z_:][a-zA-Z0-9_:]*(\{.*\})?\s+(NaN|[+-]?Inf|[+-]?[0-9.]+([eE][+-]?[0-9]+)?)(\s+-?[0-9]+)?)$`)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
