package lifecycle

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// KV is what the engine keeps documents in; [sdk.KV] is one. Writes are durable when they return, and seen by all hosts.
type KV interface {
	Get(ctx context.Context, key string) (sdk.Stored, error)
	Put(ctx context.Context, key string, data []byte, options ...sdk.PutOptions) (int64, error)
	Delete(ctx context.Context, key string) error
	Keys(ctx context.Context, prefix string) iter.Seq2[string, error]
}

// The keys of the store. Times are of a fixed length, so that they sort.
const (
	appPrefix        = "app/"        // id
	requestPrefix    = "request/"    // id
	credentialPrefix = "credential/" //nolint:gosec // id: a key of the store is no secret
	byOwnerPrefix    = "by-owner/"   // owner/app, without content
	byAppPrefix      = "by-app/"     // app/credential id, without content
	askedPrefix      = "asked/"      // app/request id, without content
	openPrefix       = "open/"       // request id, without content
	duePrefix        = "due/"        // time/credential id, without content
	markPrefix       = "intent/"     // kind/id/intent: when it began
	oncePrefix       = "once/"       // hash of caller and idempotency key
	trailPrefix      = "trail/"      // app/event id
	sortableTime     = "20060102T150405Z"
)

// table is the documents of one kind.
type table[T any] struct {
	kv           KV
	prefix, noun string
	// keep is how long a document stays after it was written last; nil or 0 = for ever.
	keep func(T) time.Duration
}

func (t table[T]) get(ctx context.Context, id string) (v T, version int64, err error) {
	if id == "" || strings.ContainsAny(id, "/") {
		return v, 0, apierror.NotFoundf("there is no %s %q", t.noun, id)
	}
	stored, err := t.kv.Get(ctx, t.prefix+id)
	if missing(err) {
		return v, 0, apierror.NotFoundf("there is no %s %q", t.noun, id)
	}
	if err != nil {
		return v, 0, fmt.Errorf("read %s %s: %w", t.noun, id, err)
	}
	if err := json.Unmarshal(stored.Data, &v); err != nil {
		return v, 0, fmt.Errorf("read %s %s: %w", t.noun, id, err)
	}
	return v, stored.Version, nil
}

// create writes a document that must not be there yet.
func (t table[T]) create(ctx context.Context, id string, v T) error { return t.put(ctx, id, v, 0) }

func (t table[T]) put(ctx context.Context, id string, v T, over int64) error {
	data, err := json.Marshal(v)
	if err == nil {
		options := sdk.PutOptions{IfVersion: &over}
		if t.keep != nil {
			options.TTL = t.keep(v)
		}
		_, err = t.kv.Put(ctx, t.prefix+id, data, options)
	}
	if err != nil {
		return fmt.Errorf("write %s %s: %w", t.noun, id, err)
	}
	return nil
}

// attempts bound the writes that others come before.
const attempts = 20

// update changes a document. change is called again when another write came before; its error is returned as it is, and
// nothing is written.
func (t table[T]) update(ctx context.Context, id string, change func(*T) error) (T, error) {
	for n := 1; ; n++ {
		v, version, err := t.get(ctx, id)
		if err != nil {
			return v, err
		}
		if err := change(&v); err != nil {
			return v, err
		}
		if err = t.put(ctx, id, v, version); err == nil {
			return v, nil
		}
		if !errors.Is(err, sdk.ErrConflict) || n == attempts {
			return v, err
		}
	}
}

func (t table[T]) delete(ctx context.Context, id string) error {
	if err := t.kv.Delete(ctx, t.prefix+id); err != nil {
		return fmt.Errorf("delete %s %s: %w", t.noun, id, err)
	}
	return nil
}

// all streams the documents in the order of their ids.
func (t table[T]) all(ctx context.Context) iter.Seq2[T, error] { return t.indexed(ctx, t.prefix) }

// indexed streams the documents that an index lists. An index is written before its documents, and outlives them: what is
// not there is left out.
func (t table[T]) indexed(ctx context.Context, index string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for key, err := range t.kv.Keys(ctx, index) {
			var v T
			if err == nil {
				v, _, err = t.get(ctx, strings.TrimPrefix(key, index))
			}
			if missing(err) {
				continue
			}
			if !yield(v, err) || err != nil {
				return
			}
		}
	}
}

// suffixes streams what comes after a prefix.
func (e *Engine) suffixes(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for key, err := range e.o.KV.Keys(ctx, prefix) {
			if !yield(strings.TrimPrefix(key, prefix), err) || err != nil {
				return
			}
		}
	}
}

// index writes a key whose name is all that it says.
func (e *Engine) index(ctx context.Context, key string) error {
	_, err := e.o.KV.Put(ctx, key, []byte("1"))
	return err
}

func dueKey(at time.Time, id string) string {
	return duePrefix + at.UTC().Format(sortableTime) + "/" + id
}

// Marks say which documents have an intent, so that recovery need not read all. They are written before the intent, and
// taken away after it: a mark without an intent is of one that is about to begin, or has ended. The intent's id is part of
// its mark, so that who ends one intent does not take away the mark of the next.
const (
	appIntents        = "app"
	requestIntents    = "request"
	credentialIntents = "credential"
)

func (e *Engine) mark(ctx context.Context, kind, id, intent string) error {
	_, err := e.o.KV.Put(ctx, markPrefix+kind+"/"+id+"/"+intent, []byte(e.now().UTC().Format(time.RFC3339)))
	return err
}

func (e *Engine) unmark(ctx context.Context, kind, id, intent string) error {
	return e.o.KV.Delete(ctx, markPrefix+kind+"/"+id+"/"+intent)
}

// onceFor is how long an idempotency key is remembered.
const onceFor = 24 * time.Hour

// done is what an idempotency key stands for.
type done struct {
	ID      string `json:"id"`
	Request string `json:"request"` // hash
}

// once answers the id that a caller's idempotency key stands for: the proposed one at its first use, and replayed after.
// The same key for another request is a mistake of the caller's.
func (e *Engine) once(ctx context.Context, by, key, what string, request any, proposed string) (id string, replayed bool, err error) {
	if key == "" {
		return proposed, false, nil
	}
	if len(key) > 200 {
		return "", false, apierror.Inputf("Idempotency-Key: at most 200 characters")
	}
	data, err := json.Marshal(done{ID: proposed, Request: fingerprint(what, request)})
	if err != nil {
		return "", false, err
	}
	var none int64
	_, err = e.o.KV.Put(ctx, oncePrefix+digest(by, key), data, sdk.PutOptions{IfVersion: &none, TTL: onceFor})
	if errors.Is(err, sdk.ErrConflict) {
		return e.recall(ctx, by, key, what, request)
	}
	if err != nil {
		return "", false, fmt.Errorf("remember the idempotency key: %w", err)
	}
	return proposed, false, nil
}

// recall answers what an idempotency key stands for, if it was used.
func (e *Engine) recall(ctx context.Context, by, key, what string, request any) (id string, found bool, err error) {
	if key == "" {
		return "", false, nil
	}
	stored, err := e.o.KV.Get(ctx, oncePrefix+digest(by, key))
	if missing(err) {
		return "", false, nil
	}
	var was done
	if err == nil {
		err = json.Unmarshal(stored.Data, &was)
	}
	if err != nil {
		return "", false, fmt.Errorf("recall the idempotency key: %w", err)
	}
	if was.Request != fingerprint(what, request) {
		return "", false, apierror.Inputf("Idempotency-Key: it was used for another request")
	}
	return was.ID, true, nil
}

// fingerprint tells requests apart, of which all fields can be written as JSON.
func fingerprint(what string, request any) string {
	return digest(what, fmt.Sprintf("%T", request), string(must(json.Marshal(request))))
}

func must(data []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return data
}

func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func missing(err error) bool       { return errors.Is(err, sdk.ErrNotFound) }
func unimplemented(err error) bool { return errors.Is(err, sdk.ErrNotImplemented) }
