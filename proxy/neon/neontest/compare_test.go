package neontest_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var uuidForm = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// compare lists where two answers differ, by JSON pointers into the body, "status", "headers" or "body" (as a whole). What
// is volatile is left out.
func compare(want, got response, volatile []string) []string {
	if want.ConnectionClosed || got.ConnectionClosed {
		if want.ConnectionClosed != got.ConnectionClosed {
			return []string{"status"}
		}
		return nil
	}
	var diff []string
	if want.Status != got.Status {
		diff = append(diff, "status")
	}
	if !sameHeaders(want.Headers, got.Headers) {
		diff = append(diff, "headers")
	}
	if want.Body == got.Body {
		return diff
	}
	w, wErr := parseOrdered(want.Body)
	g, gErr := parseOrdered(got.Body)
	if wErr != nil || gErr != nil {
		return append(diff, "body")
	}
	before := len(diff)
	w.compare(g, "", volatile, &diff)
	if len(diff) == before && len(volatile) == 0 {
		diff = append(diff, "body") // the same values, written otherwise
	}
	return diff
}

func sameHeaders(want, got map[string]string) bool {
	if len(want) != len(got) {
		return false
	}
	for name, value := range want {
		if value == "<uuid>" && uuidForm.MatchString(got[name]) {
			continue
		}
		if got[name] != value {
			return false
		}
	}
	return true
}

// node is a JSON value with the order and the duplicates of its text.
type node struct {
	scalar string // the token, if it is no list and no object
	kind   byte   // 0, '[' or '{'
	keys   []string
	items  []node
}

func parseOrdered(text string) (node, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	n, err := parseNode(d)
	if err == nil && d.InputOffset() != int64(len(strings.TrimRight(text, " \n"))) {
		err = fmt.Errorf("more than one value")
	}
	return n, err
}

func parseNode(d *json.Decoder) (node, error) {
	token, err := d.Token()
	if err != nil {
		return node{}, err
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return node{scalar: fmt.Sprintf("%T %v", token, token)}, nil
	}
	n := node{kind: byte(delim)}
	for d.More() {
		if n.kind == '{' {
			key, err := d.Token()
			if err != nil {
				return node{}, err
			}
			n.keys = append(n.keys, key.(string))
		}
		item, err := parseNode(d)
		if err != nil {
			return node{}, err
		}
		n.items = append(n.items, item)
	}
	_, err = d.Token()
	return n, err
}

func (n node) compare(m node, at string, volatile []string, diff *[]string) {
	if slices.Contains(volatile, at) {
		return
	}
	if n.kind != m.kind || n.kind == 0 || len(n.items) != len(m.items) || !slices.Equal(n.keys, m.keys) {
		if n.kind == 0 && m.kind == 0 && n.scalar == m.scalar {
			return
		}
		if at == "" {
			at = "body"
		}
		*diff = append(*diff, at)
		return
	}
	for i := range n.items {
		step := fmt.Sprint(i)
		if n.kind == '{' {
			step = strings.NewReplacer("~", "~0", "/", "~1").Replace(n.keys[i]) // RFC 6901
		}
		n.items[i].compare(m.items[i], at+"/"+step, volatile, diff)
	}
}

func TestCompareSeesDifferences(t *testing.T) {
	headers := map[string]string{"neon-request-id": "<uuid>"}
	actual := map[string]string{"neon-request-id": "11111111-2222-4333-8444-555555555555"}
	want := response{Status: 200, Headers: headers, Body: `{"rows":[["1","x"]],"n":1}`}
	for _, test := range []struct {
		body     string
		volatile []string
		want     string
	}{
		{`{"rows":[["1","x"]],"n":1}`, nil, ""},
		{`{"rows":[["2","x"]],"n":1}`, nil, "/rows/0/0"},
		{`{"rows":[["2","x"]],"n":1}`, []string{"/rows/0/0"}, ""},
		{`{"rows":[["2","y"]],"n":1}`, []string{"/rows/0/0"}, "/rows/0/1"},
		{`{"rows":[["1"]],"n":1}`, nil, "/rows/0"},
		{`{"n":1,"rows":[["1","x"]]}`, nil, "body"},
		{`{"rows":[["1","x"]],"n":"1"}`, nil, "/n"},
		{`{"rows":[["1","\u0078"]],"n":1}`, nil, "body"},
		{`nothing`, nil, "body"},
	} {
		diff := strings.Join(compare(want, response{Status: 200, Headers: actual, Body: test.body}, test.volatile), " ")
		if diff != test.want {
			t.Errorf("%s differs at %q, want %q", test.body, diff, test.want)
		}
	}
	headers = map[string]string{"neon-request-id": "1", "allow": "POST"}
	if diff := compare(want, response{Status: 400, Headers: headers, Body: want.Body}, nil); !slices.Equal(diff, []string{"status", "headers"}) {
		t.Errorf("status and header differ: %v", diff)
	}
}
