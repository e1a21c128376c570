package conform

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/callboard/callboard/sdk/conformance"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// routesOf makes requests of the plugin's OpenAPI description: those that only read, with the examples and defaults of the
// description as parameters.
func routesOf(m *manifest.Manifest) ([]conformance.Route, error) {
	if m.Provides.HTTP == nil || m.Provides.HTTP.OpenAPI == "" {
		return nil, nil
	}
	name := filepath.Join(m.Dir, m.Provides.HTTP.OpenAPI)
	wrong := func(err error) error {
		return fmt.Errorf("plugin %s: %s: it is no OpenAPI description that can be used: %w", m.ID, name, err)
	}
	data, err := readInside(m.Dir, m.Provides.HTTP.OpenAPI)
	if err != nil {
		return nil, wrong(err)
	}
	loader := openapi3.NewLoader() // without references to other files, which could be any of the machine's
	doc, err := loader.LoadFromData(data)
	if err != nil {
		return nil, wrong(err)
	}
	if err := doc.Validate(context.Background(), openapi3.DisableExamplesValidation()); err != nil {
		return nil, wrong(err)
	}
	var routes []conformance.Route
	for _, path := range slices.Sorted(maps.Keys(doc.Paths.Map())) {
		item := doc.Paths.Value(path)
		if item.Get == nil {
			continue
		}
		route := conformance.Route{Method: http.MethodGet, Path: fill(path, item), Unauthenticated: open(m.Provides.HTTP.Unauthenticated, path)}
		route.Conforms = described(doc, path, item)
		routes = append(routes, route)
	}
	return routes, nil
}

// open tells whether path stands below one of the prefixes.
func open(prefixes []string, path string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool {
		return path == prefix || strings.HasPrefix(path, strings.TrimSuffix(prefix, "/")+"/")
	})
}

// fill puts examples in the place of parameters.
func fill(path string, item *openapi3.PathItem) string {
	query := url.Values{}
	for _, ref := range slices.Concat(item.Parameters, item.Get.Parameters) {
		p := ref.Value
		if p == nil {
			continue
		}
		value, given := sample(p)
		switch p.In {
		case openapi3.ParameterInPath:
			path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(value))
		case openapi3.ParameterInQuery:
			if p.Required || given {
				query.Set(p.Name, value)
			}
		}
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return path
}

// sample is a value for a parameter, and whether the description gives it.
func sample(p *openapi3.Parameter) (value string, given bool) {
	if p.Example != nil {
		return fmt.Sprint(p.Example), true
	}
	for _, name := range slices.Sorted(maps.Keys(p.Examples)) {
		if e := p.Examples[name].Value; e != nil && e.Value != nil {
			return fmt.Sprint(e.Value), true
		}
	}
	if p.Schema == nil || p.Schema.Value == nil {
		return "sample", false
	}
	schema := p.Schema.Value
	switch {
	case schema.Example != nil:
		return fmt.Sprint(schema.Example), true
	case schema.Default != nil:
		return fmt.Sprint(schema.Default), false
	case len(schema.Enum) > 0:
		return fmt.Sprint(schema.Enum[0]), false
	case schema.Type.Is(openapi3.TypeInteger), schema.Type.Is(openapi3.TypeNumber):
		return "1", false
	case schema.Type.Is(openapi3.TypeBoolean):
		return "true", false
	}
	return "sample", false
}

// refusals may be answered whatever the description says: the sample may not exist, or may not be what the route takes.
var refusals = []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusTooManyRequests}

// described judges an answer by the description. A stream of events has no end, so its body is not looked at.
func described(doc *openapi3.T, path string, item *openapi3.PathItem) func(int, map[string][]string, []byte) error {
	return func(status int, header map[string][]string, body []byte) error {
		if item.Get.Responses.Status(status) == nil && item.Get.Responses.Default() == nil {
			if slices.Contains(refusals, status) {
				return nil
			}
			return fmt.Errorf("the status %d is not described", status)
		}
		stream := strings.HasPrefix(http.Header(header).Get("Content-Type"), "text/event-stream")
		input := &openapi3filter.ResponseValidationInput{
			RequestValidationInput: &openapi3filter.RequestValidationInput{
				Request: &http.Request{Method: http.MethodGet, URL: &url.URL{Path: path}},
				Route:   &routers.Route{Spec: doc, Path: path, PathItem: item, Method: http.MethodGet, Operation: item.Get},
			},
			Status: status, Header: header, Body: io.NopCloser(bytes.NewReader(body)),
			Options: &openapi3filter.Options{IncludeResponseStatus: true, ExcludeResponseBody: stream},
		}
		return shortened(openapi3filter.ValidateResponse(context.Background(), input))
	}
}

// shortened leaves out the schema and the value that the library adds over many lines.
func shortened(err error) error {
	if err == nil {
		return nil
	}
	if schema, ok := errors.AsType[*openapi3.SchemaError](err); ok {
		at, _ := json.Marshal("/" + strings.Join(schema.JSONPointer(), "/"))
		return fmt.Errorf("%s at %s", schema.Reason, at)
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	return errors.New(first)
}
