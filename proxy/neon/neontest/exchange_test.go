package neontest_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// exchange is one recorded request and its answer.
type exchange struct {
	Name, Topic, Why, Sequence string
	Setup                      string
	Server                     string
	SettleMS                   int     `json:"settle_ms"`
	ClientTimeoutS             float64 `json:"client_timeout_s"`
	Token                      tokenSpec
	Request                    request
	Response                   response
	Volatile                   []string
}

type request struct {
	Method, Path string
	Headers      map[string]string
	Body         *string
	BodyParts    []json.RawMessage `json:"body_parts"`
	BodyHex      string            `json:"body_hex"`
}

type response struct {
	Status           int
	Headers          map[string]string
	Body             string
	ConnectionClosed bool `json:"connection_closed"`
}

func readLines[T any](t *testing.T, path string) []T {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var list []T
	for line := range bytes.SplitSeq(text, []byte("\n")) { // values hold other line separators
		if len(line) == 0 {
			continue
		}
		var item T
		if err := json.Unmarshal(line, &item); err != nil {
			t.Fatalf("%s, entry %d: %v", path, len(list)+1, err)
		}
		list = append(list, item)
	}
	return list
}

// body is the exact text to send.
func (r request) body() ([]byte, error) {
	switch {
	case r.BodyHex != "":
		return hex.DecodeString(r.BodyHex)
	case r.Body != nil:
		return []byte(*r.Body), nil
	}
	var buf bytes.Buffer
	for _, part := range r.BodyParts {
		var text string
		if json.Unmarshal(part, &text) == nil {
			buf.WriteString(text)
			continue
		}
		var p struct {
			Text     string
			Times    int
			Seq, Sep string
			From, To int
		}
		if err := json.Unmarshal(part, &p); err != nil {
			return nil, err
		}
		if p.Seq == "" {
			buf.WriteString(strings.Repeat(p.Text, p.Times))
			continue
		}
		for n := p.From; n <= p.To; n++ {
			if n > p.From {
				buf.WriteString(p.Sep)
			}
			buf.WriteString(strings.ReplaceAll(p.Seq, "%d", fmt.Sprint(n)))
		}
	}
	return buf.Bytes(), nil
}

// send sends r to an endpoint (scheme://host:port) and returns the answer in the recording's form.
func send(ctx context.Context, client *http.Client, endpoint string, r request, authorization string, authorized bool) (response, error) {
	body, err := r.body()
	if err != nil {
		return response{}, err
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, endpoint+r.Path, bytes.NewReader(body))
	if err != nil {
		return response{}, err
	}
	for name, value := range r.Headers {
		req.Header[http.CanonicalHeaderKey(name)] = []string{value}
	}
	if authorized {
		req.Header.Set("Authorization", authorization)
	}
	// A POST that fails is sent once: the recording was.
	req.GetBody = nil
	resp, err := client.Do(req)
	if err != nil {
		if errors.Is(err, io.EOF) || strings.Contains(err.Error(), "connection reset") {
			return response{ConnectionClosed: true}, nil
		}
		return response{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return response{}, err
	}
	got := response{Status: resp.StatusCode, Body: string(text), Headers: map[string]string{}}
	for name, values := range resp.Header {
		name = strings.ToLower(name)
		if name == "content-type" || name == "access-control-allow-origin" || name == "allow" || strings.HasPrefix(name, "neon-") {
			got.Headers[name] = strings.Join(values, ", ")
		}
	}
	if resp.ContentLength < 0 {
		return response{}, errors.New("the answer has no Content-Length")
	}
	return got, nil
}

func (e exchange) timeout() time.Duration {
	if e.ClientTimeoutS > 0 {
		return time.Duration(e.ClientTimeoutS * float64(time.Second))
	}
	return 30 * time.Second
}
