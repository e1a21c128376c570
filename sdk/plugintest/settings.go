package plugintest

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/sdk/rpcerror"
)

// plainJSON writes settings with their secrets in clear, which [sdk.Secret] does not do by itself.
func plainJSON(v any) json.RawMessage {
	if raw, ok := v.(json.RawMessage); ok {
		return raw
	}
	data, err := json.Marshal(plain(reflect.ValueOf(v)))
	if err != nil {
		panic(fmt.Sprintf("plugintest: %T cannot be written as JSON: %v", v, err))
	}
	return data
}

func plain(v reflect.Value) any {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
	}
	if !v.IsValid() {
		return nil
	}
	switch x := v.Interface().(type) {
	case sdk.Secret:
		return x.Reveal()
	case json.Marshaler, encoding.TextMarshaler:
		return x
	}
	switch v.Kind() {
	case reflect.Struct:
		return plainStruct(v)
	case reflect.Slice, reflect.Array:
		items := make([]any, v.Len())
		for i := range items {
			items[i] = plain(v.Index(i))
		}
		return items
	case reflect.Map:
		members := map[string]any{}
		for _, key := range v.MapKeys() {
			members[fmt.Sprint(key.Interface())] = plain(v.MapIndex(key))
		}
		return members
	}
	return v.Interface()
}

func plainStruct(v reflect.Value) any {
	members := map[string]any{}
	for _, f := range reflect.VisibleFields(v.Type()) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			name = f.Name
		}
		if member, err := v.FieldByIndexErr(f.Index); err == nil && f.IsExported() && !f.Anonymous && name != "-" && !member.IsZero() {
			members[name] = plain(member)
		}
	}
	return members
}

// problems makes one error of all diagnostics that are errors.
func problems(ds []*pluginv1.Diagnostic, err error) error {
	if err != nil {
		return rpcerror.Decode(err)
	}
	var all []error
	for _, d := range ds {
		if d.GetSeverity() != pluginv1.Diagnostic_SEVERITY_ERROR {
			continue
		}
		text := d.GetSummary()
		if d.GetDetail() != "" {
			text += " (" + d.GetDetail() + ")"
		}
		if d.GetPath() != "" {
			text = d.GetPath() + ": " + text
		}
		all = append(all, errors.New(text))
	}
	return errors.Join(all...)
}
