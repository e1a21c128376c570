package usersettings

import (
	"net/http"

	"github.com/callboard/callboard/server/internal/permission/zod"
)

// namesBody is {"items": [{"bucket": "…", "key": "…"}, …]}.
func namesBody() zod.Schema {
	name := zod.Object(zod.Field{Name: "bucket", Schema: zod.String("")}, zod.Field{Name: "key", Schema: zod.String("")})
	return zod.Object(zod.Field{Name: "items", Schema: zod.Array(name, "")})
}

// readNames reads such a body. What is wrong with it is answered with status 500, as the reference does.
func readNames(body any) ([]Name, error) {
	if wrong := zod.Validate(namesBody(), body); wrong != nil {
		e := wrong.Named()
		e.Status = http.StatusInternalServerError
		return nil, e
	}
	object, _ := body.(map[string]any)
	items, _ := object["items"].([]any)
	names := make([]Name, len(items))
	for i, v := range items {
		item, _ := v.(map[string]any)
		names[i].Bucket, _ = item["bucket"].(string)
		names[i].Key, _ = item["key"].(string)
	}
	return names, nil
}
