package trigger

import (
	"encoding/json"

	"github.com/callboard/callboard/sdk/apierror"
)

// payload is what the values of a webhook see as event.
func payload(body []byte) (map[string]any, error) {
	if len(body) == 0 {
		return map[string]any{"body": nil}, nil
	}
	if !json.Valid(body) {
		return nil, apierror.Inputf("The body is not JSON")
	}
	return map[string]any{"body": json.RawMessage(body)}, nil
}
