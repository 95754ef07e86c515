package neon

import (
	"io"
	"net/http"
	"strings"
)

// call is one request as a fake transport sees it.
type call struct {
	req  *http.Request
	body string
}

// roundTripper answers without a network. It reads the request's body first, as if it had been written.
type roundTripper func(call) (status int, body string, err error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	status, body, err := f(call{r, string(b)})
	if err != nil {
		return nil, err
	}
	return response(r, status, body), nil
}

// unsent fails before it touches the request.
type unsent func() error

func (f unsent) RoundTrip(*http.Request) (*http.Response, error) { return nil, f() }

func response(r *http.Request, status int, body string) *http.Response {
	return &http.Response{StatusCode: status, ProtoMajor: 1, ProtoMinor: 1, Request: r, ContentLength: int64(len(body)),
		Header: http.Header{"Neon-Request-Id": {"11111111-2222-3333-4444-555555555555", "11111111-2222-3333-4444-555555555555"}},
		Body:   io.NopCloser(strings.NewReader(body))}
}
