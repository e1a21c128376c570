package catalog

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/catalog/index"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/permission/zod"
)

const jsonType = "application/json; charset=utf-8"

// byName is the hottest route: the entity's bytes go out as they are.
func (a *api) byName(c *gin.Context, ref entity.Ref) error {
	read, err := a.access(c, PermissionRead)
	if err != nil {
		return err
	}
	s := a.Index.Snapshot()
	doc := s.ByRef(ref.Canonical())
	if doc == nil || read.hides(s, doc.Ref) {
		return apierror.NotFoundf("No entity named '%s' found, with kind '%s' in namespace '%s'", ref.Name, ref.Kind, ref.Namespace)
	}
	return a.sendEntity(c, doc)
}

func (a *api) byUID(c *gin.Context) error {
	if !utf8.ValidString(c.Param("uid")) {
		return errMalformedPath
	}
	read, err := a.access(c, PermissionRead)
	if err != nil {
		return err
	}
	s := a.Index.Snapshot()
	doc := s.ByUID(c.Param("uid"))
	if doc == nil || read.hides(s, doc.Ref) {
		return apierror.NotFoundf("No entity with uid %s", c.Param("uid"))
	}
	return a.sendEntity(c, doc)
}

func (a *api) sendEntity(c *gin.Context, doc *index.Doc) error {
	var gz []byte
	if acceptsGzip(c) {
		gz = a.Index.Gzip(doc)
	}
	return httpx.Bytes(c, http.StatusOK, jsonType, doc.JSON, gz)
}

func (a *api) deleteByUID(c *gin.Context) error {
	uid := c.Param("uid")
	del, err := a.access(c, PermissionDelete)
	if err != nil {
		return err
	}
	if del.denied {
		return errNotAllowed
	}
	if !del.filter.IsZero() {
		s := a.Index.Snapshot()
		if doc := s.ByUID(uid); doc == nil || del.hides(s, doc.Ref) {
			return errNotAllowed
		}
	}
	if err := a.Writer.DeleteEntity(c.Request.Context(), uid); err != nil {
		return err
	}
	return httpx.NoContent(c)
}

// entities answers in two ways: without paging, everything streamed in the order of uids; with it, a page.
func (a *api) entities(c *gin.Context) error {
	q := queryValues(c.Request.URL.RawQuery)
	predicate, err := filterPredicate(q["filter"])
	if err != nil {
		return err
	}
	fields, err := parseFields(q["fields"])
	if err != nil {
		return err
	}
	orders, err := listOrders(q["order"])
	if err != nil {
		return err
	}
	w, paged, err := listWindow(q)
	if err != nil {
		return err
	}
	filter, err := predicateFilter(predicate)
	if err != nil {
		return err
	}
	read, err := a.access(c, PermissionRead)
	if err != nil {
		return err
	}
	if read.denied {
		return httpx.JSON(c, http.StatusOK, []any{})
	}
	filter = index.All(read.filter, filter)
	if paged {
		return a.entitiesPage(c, index.List{Filter: filter, Orders: orders, Offset: w.offset, Limit: w.limit}, w, fields)
	}
	all := index.Query{Filter: filter, Limit: maxInt, NoTotal: true}
	if len(orders) > 0 {
		all.Order = &orders[0]
	}
	return a.streamEntities(c, a.Index.Snapshot().Query(all).Items, fields)
}

const maxInt = int(^uint(0) >> 1)

func (a *api) entitiesPage(c *gin.Context, l index.List, w window, fields *projection) error {
	docs, more := a.Index.Snapshot().List(l)
	if more {
		c.Header("link", "<"+nextLink(c.Request.URL.Path, c.Request.URL.RawQuery, w.next())+`>; rel="next"`)
	}
	b := a.body(fields)
	defer a.recycle(b)
	b.raw("[")
	for _, d := range docs {
		b.entity(d)
	}
	b.raw("]")
	return b.send(c)
}

// streamEntities writes the entities from where they lie, so that an answer of any size takes no memory of its own.
func (a *api) streamEntities(c *gin.Context, items []index.Item, fields *projection) error {
	if len(items) == 0 {
		return httpx.JSON(c, http.StatusOK, []any{})
	}
	c.Writer.Header()["Content-Type"] = []string{jsonType}
	c.Writer.WriteHeader(http.StatusOK)
	w := bufio.NewWriterSize(c.Writer, 32<<10)
	var p *projector
	var buf []byte
	if fields != nil {
		p = fields.projector()
	}
	separator := byte('[')
	for i, it := range items {
		_ = w.WriteByte(separator) // errors stay with the writer
		separator = ','
		body := it.Doc.JSON
		if p != nil {
			buf = p.append(buf[:0], body)
			body = buf
		}
		if _, err := w.Write(body); err != nil {
			return nil //nolint:nilerr // the caller went away; there is nobody to tell
		}
		if i%1024 == 0 && c.Request.Context().Err() != nil {
			return nil //nolint:nilerr // as above
		}
	}
	_ = w.WriteByte(']')
	_ = w.Flush()
	return nil
}

// nextLink is the request again, with another "after" and no offset, as the reference's URL class writes it.
func nextLink(path, rawQuery, after string) string {
	var b strings.Builder
	written := false
	add := func(name, value string) {
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		b.WriteString(formEncode(name) + "=" + formEncode(value))
	}
	for pair := range strings.SplitSeq(rawQuery, "&") {
		name, value, _ := strings.Cut(pair, "=")
		name, value = unescape(name), unescape(value)
		switch {
		case pair == "" || name == "offset":
		case name != "after":
			add(name, value)
		case !written:
			add(name, after)
			written = true
		}
	}
	if !written {
		add("after", after)
	}
	return path + "?" + b.String()
}

// formEncode escapes as browsers do in forms.
func formEncode(s string) string {
	const plain = "*-._"
	var b strings.Builder
	for i := range len(s) {
		switch ch := s[i]; {
		case ch >= 'a' && ch <= 'z', ch >= 'A' && ch <= 'Z', ch >= '0' && ch <= '9', strings.IndexByte(plain, ch) >= 0:
			b.WriteByte(ch)
		case ch == ' ':
			b.WriteByte('+')
		default:
			fmt.Fprintf(&b, "%%%02X", ch)
		}
	}
	return b.String()
}

func batchSchema(predicate zod.Schema) zod.Schema {
	return zod.Object(
		zod.Field{Name: "entityRefs", Schema: zod.Array(zod.String(""), "")},
		zod.Field{Name: "fields", Schema: zod.Optional(zod.Array(zod.String(""), ""))},
		zod.Field{Name: "query", Schema: zod.Optional(predicate)},
	)
}

// byRefs answers in the order of the refs; null stands for what is missing, filtered out or hidden.
func (a *api) byRefs(c *gin.Context) error {
	var raw json.RawMessage
	if err := httpx.BindJSON(c, &raw); err != nil {
		return err
	}
	decoded, err := zod.Decode(raw)
	if err != nil {
		return apierror.Inputf("Malformed request body: %v", err)
	}
	if e := zod.Validate(a.batch, decoded); e != nil {
		return apierror.Inputf("Malformed request body (did you remember to specify an application/json content type?), %s", e.Sentence())
	}
	_, shape, _ := zod.Members(decoded)
	fromQuery, err := filterPredicate(queryValues(c.Request.URL.RawQuery)["filter"])
	if err != nil {
		return err
	}
	fields, err := parseFields(checkedTexts(shape["fields"]))
	if err != nil {
		return err
	}
	refs := checkedTexts(shape["entityRefs"])
	var filter index.Filter
	if len(refs) > 0 { // the reference does not look at what a filter means when there is nothing to filter
		if filter, err = bothFilters(fromQuery, shape["query"]); err != nil {
			return err
		}
	}
	read, err := a.access(c, PermissionRead)
	if err != nil {
		return err
	}
	s := a.Index.Snapshot()
	read.filter = index.All(read.filter, filter)
	b := a.body(fields)
	defer a.recycle(b)
	b.raw(`{"items":[`)
	for _, ref := range refs {
		doc := s.ByRef(entity.Canonical(ref))
		if doc == nil || read.hides(s, doc.Ref) {
			b.null()
			continue
		}
		b.entity(doc)
	}
	b.raw("]}")
	return b.send(c)
}

// checkedTexts is a list of texts, as a schema found it to be.
func checkedTexts(v any) []string {
	list, _ := v.([]any)
	texts := make([]string, len(list))
	for i := range list {
		texts[i], _ = list[i].(string)
	}
	return texts
}

// bothFilters is what passes two predicates.
func bothFilters(a, b any) (index.Filter, error) {
	first, err := predicateFilter(a)
	if err != nil {
		return first, err
	}
	second, err := predicateFilter(b)
	return index.All(first, second), err
}

// ancestryItem is an entity with its parents, on the wire.
type ancestryItem struct {
	Entity           json.RawMessage    `json:"entity"`
	ParentEntityRefs []entity.Canonical `json:"parentEntityRefs"`
}

type ancestryAnswer struct {
	RootEntityRef entity.Canonical `json:"rootEntityRef"`
	Items         []ancestryItem   `json:"items"`
}

// ancestry leaves out what the caller may not see, and everything above it.
func (a *api) ancestry(c *gin.Context, address entity.Ref) error {
	ref := address.String()
	read, err := a.access(c, PermissionRead)
	if err != nil {
		return err
	}
	s := a.Index.Snapshot()
	if read.hides(s, entity.Canonical(ref)) {
		return errNotAllowed
	}
	items, err := a.Writer.Ancestry(c.Request.Context(), ref)
	if err != nil {
		return err
	}
	hidden := hiddenAncestry(items, func(ref entity.Canonical) bool { return read.hides(s, ref) })
	answer := ancestryAnswer{RootEntityRef: entity.Canonical(ref), Items: []ancestryItem{}}
	for _, it := range items {
		if hidden[it.Ref] {
			continue
		}
		parents := it.ParentRefs
		if parents == nil {
			parents = []entity.Canonical{}
		}
		answer.Items = append(answer.Items, ancestryItem{it.JSON, parents})
	}
	return httpx.JSON(c, http.StatusOK, answer)
}

// hiddenAncestry is what hides says and all ancestors of it.
func hiddenAncestry(items []AncestryItem, hides func(entity.Canonical) bool) map[entity.Canonical]bool {
	parents := make(map[entity.Canonical][]entity.Canonical, len(items))
	var todo []entity.Canonical
	for _, it := range items {
		parents[it.Ref] = it.ParentRefs
		if hides(it.Ref) {
			todo = append(todo, it.Ref)
		}
	}
	hidden := map[entity.Canonical]bool{}
	for len(todo) > 0 {
		ref := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if !hidden[ref] {
			hidden[ref] = true
			todo = append(todo, parents[ref]...)
		}
	}
	return hidden
}

// refreshRequest is the body of refresh. The token is how old callers named the user they act for.
type refreshRequest struct {
	EntityRef          string `json:"entityRef"`
	AuthorizationToken string `json:"authorizationToken"`
}

func (a *api) refresh(c *gin.Context) error {
	var req refreshRequest
	if err := httpx.BindJSON(c, &req); err != nil {
		return err
	}
	caller := httpx.Principal(c)
	if req.AuthorizationToken != "" && a.Auth != nil {
		r := c.Request.Clone(c.Request.Context())
		r.Header.Set("Authorization", "Bearer "+req.AuthorizationToken)
		var err error
		if caller, err = a.Auth.Authenticate(r, "catalog", 0); err != nil {
			return err
		}
	}
	d, err := a.Authorizer.Authorize(c.Request.Context(), caller, PermissionRefresh)
	if err != nil {
		return err
	}
	switch d.Result {
	case permission.Deny:
		return errNotAllowed
	case permission.Conditional:
		f, err := CriteriaFilter(d.Conditions)
		if err != nil {
			return err
		}
		if !a.Index.Snapshot().Matches(entity.Canonical(strings.ToLower(req.EntityRef)), f) {
			return errNotAllowed
		}
	}
	if err := a.Writer.Refresh(c.Request.Context(), req.EntityRef); err != nil {
		return err
	}
	c.Status(http.StatusOK)
	return nil
}

// validateRequest is the body of validate-entity.
type validateRequest struct {
	Entity   entity.Entity `json:"entity"`
	Location string        `json:"location"`
}

// validateEntity answers what is wrong with an entity outside the error envelope, as the reference does.
func (a *api) validateEntity(c *gin.Context) error {
	var req validateRequest
	if err := httpx.BindJSON(c, &req); err != nil {
		return err
	}
	if err := a.require(c, PermissionValidate); err != nil {
		return err
	}
	problems, err := a.Writer.ValidateEntity(c.Request.Context(), req.Entity, req.Location)
	if err != nil {
		if apierror.Has(err, apierror.TypeErr) || apierror.Has(err, apierror.Input) {
			problems = []error{err}
		} else {
			return err
		}
	}
	if len(problems) == 0 {
		c.Status(http.StatusOK)
		return nil
	}
	errors := make([]map[string]any, len(problems))
	for i, p := range problems {
		errors[i] = problemJSON(p)
	}
	return httpx.JSON(c, http.StatusBadRequest, map[string]any{"errors": errors})
}
