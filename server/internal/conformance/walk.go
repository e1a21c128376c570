package conformance

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// walk follows cursors or Link headers to the end and reports sequence, page sizes and totals.
func (r *Runner) walk(ctx context.Context, w Walk, vars map[string]string, auth string) (*answer, error) {
	var pages, back [][]any
	totals := []any{}
	next, previous, status := w.Request, "", 0
	limit := w.MaxPages
	if limit == 0 {
		limit = 60
	}
	for range limit {
		got, err := r.request(ctx, next, vars, auth, Step{})
		if err != nil {
			return nil, err
		}
		if status = got.status; status != http.StatusOK {
			pages = append(pages, []any{fmt.Sprintf("status %d", status)})
			break
		}
		pages = append(pages, w.itemsOf(got.body))
		if total := lookup(got.body, "/totalItems"); !contains(totals, total) {
			totals = append(totals, total)
		}
		previous, _ = lookup(got.body, "/pageInfo/prevCursor").(string)
		link := w.nextLink(got)
		if link == "" {
			break
		}
		next = w.follow(link)
	}
	for i := 0; w.Back && i < limit && previous != ""; i++ {
		got, err := r.request(ctx, w.follow(previous), vars, auth, Step{})
		if err != nil {
			return nil, err
		}
		if got.status != http.StatusOK {
			back = append(back, []any{fmt.Sprintf("status %d", got.status)})
			break
		}
		back = append([][]any{w.itemsOf(got.body)}, back...)
		previous, _ = lookup(got.body, "/pageInfo/prevCursor").(string)
	}
	return &answer{status, http.Header{}, w.summary(pages, back, totals)}, nil
}

func (w Walk) summary(pages, back [][]any, totals []any) map[string]any {
	sequence, distinct := flatten(pages), map[string]bool{}
	for _, x := range sequence {
		distinct[stable(x)] = true
	}
	out := map[string]any{"pageSizes": sizes(pages), "sequence": sequence, "distinct": float64(len(distinct)), "totals": totals}
	if w.Back {
		out["backPages"] = sizes(back)
		out["backMatches"] = stable(flatten(back)) == stable(flatten(pages[:max(0, len(pages)-1)]))
	}
	return out
}

func (w Walk) itemsOf(body any) []any {
	pointer := w.Items
	if pointer == "" && w.Style != "link" {
		pointer = "/items"
	}
	list, ok := lookup(body, pointer).([]any)
	if !ok {
		return []any{"(no array at " + pointer + ")"}
	}
	out := make([]any, len(list))
	for i, x := range list {
		if w.Key != "" {
			out[i] = lookup(x, w.Key)
		} else {
			out[i] = refOf(x)
		}
	}
	return out
}

var nextRelation = regexp.MustCompile(`<([^>]+)>; rel="next"`)

func (w Walk) nextLink(got *answer) string {
	if w.Style == "link" {
		if m := nextRelation.FindStringSubmatch(got.headers.Get("Link")); m != nil {
			return m[1]
		}
		return ""
	}
	next, _ := lookup(got.body, "/pageInfo/nextCursor").(string)
	return next
}

func (w Walk) follow(cursor string) map[string]any {
	next := map[string]any{}
	maps.Copy(next, w.Request)
	switch {
	case w.Style == "link":
		next["path"] = w.Mount + cursor
	case w.Post || w.Request["method"] == "POST":
		body := map[string]any{"cursor": cursor}
		maps.Copy(body, w.CursorBody)
		next["method"], next["path"], next["body"] = "POST", w.CursorPath, body
	default:
		separator := "?"
		if strings.Contains(w.CursorPath, "?") {
			separator = "&"
		}
		next["path"] = w.CursorPath + separator + "cursor=" + url.QueryEscape(cursor)
	}
	return next
}

func refOf(e any) any {
	kind, ok1 := lookup(e, "/kind").(string)
	name, ok2 := lookup(e, "/metadata/name").(string)
	if !ok1 || !ok2 {
		return stable(e)
	}
	namespace, ok := lookup(e, "/metadata/namespace").(string)
	if !ok {
		namespace = "default"
	}
	return strings.ToLower(kind + ":" + namespace + "/" + name)
}

func sizes(pages [][]any) []any {
	out := []any{}
	for _, p := range pages {
		out = append(out, float64(len(p)))
	}
	return out
}

func flatten(pages [][]any) []any {
	out := []any{}
	for _, p := range pages {
		out = append(out, p...)
	}
	return out
}

func contains(list []any, v any) bool {
	if _, missing := v.(absent); missing {
		return true
	}
	return slices.Contains(list, v)
}
