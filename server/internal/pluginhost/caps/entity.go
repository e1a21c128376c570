package caps

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	cataloginfo "github.com/callboard/callboard/catalog-info"
	"github.com/callboard/callboard/catalog-info/jsvalue"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/sdk/excerpt"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// locationType is the type of the locations of what plugins bring: "plugin:sentry/projects". No reader takes it, so a
// Location entity of a plugin can lead to URLs, which catalog.rules and backend.reading govern, and never to files.
const locationType = "plugin"

// qualified is the name that something of a plugin has in the host: unique, since plugin ids are.
func qualified(plugin manifest.ID, name string) string {
	return locationType + ":" + local(plugin, name)
}

func local(plugin manifest.ID, name string) string { return string(plugin) + "/" + name }

// source is the location of what a plugin brings on its own.
func source(plugin manifest.ID, name string) entity.Location {
	return entity.Location{Type: locationType, Target: local(plugin, name)}
}

// readEntity reads an entity that a plugin answered. Numbers keep their digits; broken UTF-8 becomes U+FFFD, as
// everywhere in the catalog. The error says which rule is broken.
func readEntity(data []byte, l Limits) (entity.Entity, error) {
	if len(data) > l.EntityBytes {
		return nil, fmt.Errorf("an entity of %d bytes, at most %d are allowed", len(data), l.EntityBytes)
	}
	if d := depth(data); d > l.EntityDepth {
		return nil, fmt.Errorf("an entity that is nested %d levels deep, at most %d are allowed", d, l.EntityDepth)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var e entity.Entity
	if err := decoder.Decode(&e); err != nil {
		return nil, fmt.Errorf("an entity that is not a JSON object: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("an entity that is more than one JSON object")
	}
	if err := cataloginfo.ValidateEnvelope(e); err != nil {
		return nil, fmt.Errorf("an entity whose envelope is malformed: %s", apierror.Describe(err))
	}
	return e, nil
}

// depth is the deepest nesting of a JSON text, without reading it further: brackets inside of strings do not count.
func depth(data []byte) (deepest int) {
	at, inString := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			at++
			deepest = max(deepest, at)
		case c == '}' || c == ']':
			at--
		}
	}
	return deepest
}

// writeEntity is the JSON of an entity for a plugin: with sorted members, so that equal entities have equal bytes.
func writeEntity(e entity.Entity) ([]byte, error) {
	text, err := jsvalue.JSON(map[string]any(e))
	if err != nil {
		return nil, fmt.Errorf("entity %s: %w", e.Ref(), err)
	}
	return text, nil
}

// place gives an entity the location annotations of what a plugin provides, unless it names URLs of its own. Others are
// refused: a plugin must not pass for a file of the operator.
func place(e entity.Entity, own entity.Location) error {
	annotations, ok := e.Metadata()["annotations"].(map[string]any)
	if !ok {
		if e.Metadata()["annotations"] != nil {
			return errors.New("an entity whose metadata.annotations is no object")
		}
		annotations = map[string]any{}
		e.Metadata()["annotations"] = annotations
	}
	for _, key := range []string{entity.AnnotationLocation, entity.AnnotationOriginLocation} {
		given, isText := annotations[key].(string)
		if annotations[key] == nil {
			annotations[key] = own.String()
			continue
		}
		l, err := entity.ParseLocation(given)
		if !isText || err != nil || !allowedLocation(l, own) {
			return fmt.Errorf("an entity whose annotation %s is %q: only url: and %s are allowed", key, excerpt.Short(given), own)
		}
	}
	return nil
}

func allowedLocation(l, own entity.Location) bool {
	return l.Type == "url" || l.Type == own.Type && (l.Target == own.Target || strings.HasPrefix(l.Target, own.Target+"/"))
}

// readRef reads a full entity ref that a plugin answered.
func readRef(s string) (entity.Ref, error) {
	if len(s) > 1000 || strings.ContainsRune(s, 0) {
		return entity.Ref{}, fmt.Errorf("an entity ref that cannot be: %q", excerpt.Short(s))
	}
	r, err := entity.ParseRef(s, entity.Defaults{})
	if err != nil {
		return entity.Ref{}, fmt.Errorf("an entity ref that cannot be: %q: %s", excerpt.Short(s), apierror.Describe(err))
	}
	return r, nil
}

// toValid replaces what is not UTF-8.
func toValid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
