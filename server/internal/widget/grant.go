package widget

import (
	"bytes"
	"encoding/json"
	"reflect"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/principal"
)

// export is what the token of an embedding page must have to get the data as a file.
const export = "export"

// granted holds an embedding page to its token before anything is looked up, so that the answers tell nothing of what it
// may not ask for. Arguments that the token fixes become part of the question: a widget that does not take them is refused
// like any other with wrong arguments, and not shown without them.
func granted(p *principal.Principal, r *Request) error {
	e := p.Embed
	if e == nil {
		return nil
	}
	if !e.AllowsWidget(string(r.ID)) {
		return apierror.NotAllowedf("The embed token does not allow the widget %s", string(r.ID))
	}
	if err := grantedEntity(p, r.Entity); err != nil {
		return err
	}
	if len(e.Args) == 0 {
		return nil
	}
	args, err := withLocked(r.Args, e.Args)
	r.Args = args
	return err
}

func grantedEntity(p *principal.Principal, ref string) error {
	if p.Embed == nil || ref == "" {
		return nil
	}
	parsed, err := entity.ParseRef(ref, entity.Defaults{Namespace: "default"})
	if err != nil {
		return apierror.Inputf("entityRef: %v", err)
	}
	if !p.Embed.AllowsEntity(parsed.String()) {
		return apierror.NotAllowedf("The embed token does not allow the entity %s", parsed)
	}
	return nil
}

// withLocked are the arguments with those of the token, which the question may repeat but not change.
func withLocked(args json.RawMessage, locked map[string]json.RawMessage) (json.RawMessage, error) {
	all := map[string]json.RawMessage{}
	if len(args) > 0 {
		if err := json.Unmarshal(args, &all); err != nil || all == nil {
			return nil, apierror.Inputf(`args: must be a JSON object, such as {"top":5}`)
		}
	}
	for name, value := range locked {
		if asked, ok := all[name]; ok && !sameJSON(asked, value) {
			return nil, apierror.NotAllowedf("args: %s is fixed by the embed token", name)
		}
		all[name] = value
	}
	return json.Marshal(all)
}

func sameJSON(a, b json.RawMessage) bool {
	read := func(text json.RawMessage) (v any, err error) {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		err = d.Decode(&v)
		return v, err
	}
	x, err1 := read(a)
	y, err2 := read(b)
	return err1 == nil && err2 == nil && reflect.DeepEqual(x, y)
}

// mayExport refuses a file to a page that may only show.
func mayExport(p *principal.Principal, f Format) error {
	if f == CSV && !p.Embed.Has(export) {
		return apierror.NotAllowedf("The embed token does not allow export")
	}
	return nil
}
