package rest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// Answer is one that was read to its end.
type Answer struct {
	Code   int
	Status string // "404 Not Found"
	Header http.Header
	Body   []byte
}

// Exchange sends a request once, and reads an answer of at most limit bytes. Errors do not hold the address, whose query may
// be a secret: the operation is named by whoever wraps them.
func Exchange(client *http.Client, request *http.Request, limit int64) (Answer, error) {
	response, err := client.Do(request) //nolint:gosec // the client knows where it may dial
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err
		}
		return Answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, limit+1))
	if err != nil {
		return Answer{}, fmt.Errorf("read the answer: %w", err)
	}
	if int64(len(body)) > limit {
		return Answer{}, fmt.Errorf("the answer is longer than %d bytes", limit)
	}
	return Answer{Code: response.StatusCode, Status: response.Status, Header: response.Header, Body: body}, nil
}
