package sigv4

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// The vectors are those of AWS's test suite for Signature Version 4 and of its documentation.
func TestSign_AgreesWithThePublishedVectors(t *testing.T) {
	at := time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)
	suite := Signer{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", Region: "us-east-1", Service: "service"}
	iam := suite
	iam.Service = "iam"
	for name, c := range map[string]struct {
		signer    Signer
		method    string
		url       string
		kind      string
		body      string
		signed    string
		signature string
	}{
		"get-vanilla":                 {suite, "GET", "https://example.amazonaws.com/", "", "", "host;x-amz-date", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		"get-vanilla-query-order-key": {suite, "GET", "https://example.amazonaws.com/?Param2=value2&Param1=value1", "", "", "host;x-amz-date", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
		"get-vanilla-utf8-query":      {suite, "GET", "https://example.amazonaws.com/?%E1%88%B4=bar", "", "", "host;x-amz-date", "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
		"post-vanilla":                {suite, "POST", "https://example.amazonaws.com/", "", "", "host;x-amz-date", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
		"post-x-www-form-urlencoded":  {suite, "POST", "https://example.amazonaws.com/", "application/x-www-form-urlencoded", "Param1=value1", "content-type;host;x-amz-date", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
		"documentation, ListUsers":    {iam, "GET", "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08", "application/x-www-form-urlencoded; charset=utf-8", "", "content-type;host;x-amz-date", "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), c.method, c.url, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			if c.kind != "" {
				r.Header.Set("Content-Type", c.kind)
			}
			if err := c.signer.Sign(r, at); err != nil {
				t.Fatal(err)
			}
			want := "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/" + c.signer.Service + "/aws4_request, SignedHeaders=" + c.signed + ", Signature=" + c.signature
			if got := r.Header.Get("Authorization"); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			if data, err := io.ReadAll(r.Body); err != nil || string(data) != c.body {
				t.Errorf("the body is %q now, %v", data, err)
			}
		})
	}
}

func TestSign_EncodesAsAWSReads(t *testing.T) {
	for raw, want := range map[string]string{
		"": "", "b=2&a=1": "a=1&b=2", "a=x%20y": "a=x%20y", "a": "a=", "a=%2f": "a=%2F", "a=b/c:d": "a=b%2Fc%3Ad", "a=2&a=10": "a=10&a=2", "a=%zz&&": "a=%25zz", "A=1&a=1": "A=1&a=1",
	} {
		if got := query(raw); got != want {
			t.Errorf("query %q is %q, want %q", raw, got, want)
		}
	}
	for escaped, want := range map[string]string{"": "/", "/": "/", "/apikeys/a~b": "/apikeys/a~b", "/tags/arn:aws:x::%2Fapikeys": "/tags/arn%3Aaws%3Ax%3A%3A%252Fapikeys", "/a%20b": "/a%2520b"} {
		if got := path(escaped); got != want {
			t.Errorf("path %q is %q, want %q", escaped, got, want)
		}
	}
}

func TestSign_CarriesTemporaryCredentialsAndNoPlus(t *testing.T) {
	r := &http.Request{Method: "GET", URL: &url.URL{Scheme: "https", Host: "example.com", Path: "/", RawQuery: "q=a+b"}, Header: http.Header{}}
	s := Signer{AccessKeyID: "ASIA", SecretAccessKey: "s3cret", SessionToken: "t0ken", Region: "eu-west-1", Service: "apigateway"}
	if err := s.Sign(r, time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
	if got := r.Header.Get("Authorization"); !strings.Contains(got, "SignedHeaders=host;x-amz-date;x-amz-security-token,") || strings.Contains(got, "s3cret") {
		t.Errorf("got %s", got)
	}
	if r.Header.Get("X-Amz-Security-Token") != "t0ken" || r.URL.RawQuery != "q=a%20b" {
		t.Errorf("got %v %s", r.Header, r.URL.RawQuery)
	}
}

func FuzzQuery_StaysTheSameOnceItIsCanonical(f *testing.F) {
	f.Add("b=2&a=%2F&c")
	f.Add("%%%=&&=é")
	f.Fuzz(func(t *testing.T, raw string) {
		once := query(raw)
		if twice := query(once); twice != once {
			t.Errorf("%q becomes %q", once, twice)
		}
	})
}
