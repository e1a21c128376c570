package tryit

import (
	"encoding/json"
	"errors"
)

// Values are those of one parameter of a query: one text, or a list.
type Values []string

// UnmarshalJSON implements [json.Unmarshaler].
func (v *Values) UnmarshalJSON(data []byte) error {
	var one string
	if err := json.Unmarshal(data, &one); err == nil {
		*v = Values{one}
		return nil
	}
	var many []string
	if err := json.Unmarshal(data, &many); err != nil || len(many) > mostParams {
		return errors.New("params.query: a value must be a string or a list of strings")
	}
	*v = many
	return nil
}
