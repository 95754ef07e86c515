package neon

import (
	"encoding/binary"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pgturnstile/pgturnstile/proxy/upstream"
	"github.com/prometheus/client_golang/prometheus"
)

// collector is a RowSink that keeps everything, and checks the order of the calls.
type collector struct {
	t       testing.TB
	results []result
	open    bool
	fail    error // returned by EndRow
}

type result struct {
	fields []upstream.Field
	rows   [][]*string
	done   upstream.Completion
}

func (c *collector) Fields(i int, fields []upstream.Field) error {
	if c.open || i != len(c.results) {
		c.t.Errorf("Fields(%d) after %d results, open %v", i, len(c.results), c.open)
	}
	c.open = true
	c.results = append(c.results, result{fields: append([]upstream.Field(nil), fields...)})
	return nil
}

func (c *collector) NextRow() []byte { return []byte("head") }

func (c *collector) EndRow(buf []byte) error {
	if !c.open || string(buf[:4]) != "head" {
		c.t.Errorf("EndRow(%q), open %v", buf, c.open)
	}
	body := buf[4:]
	row := make([]*string, binary.BigEndian.Uint16(body))
	body = body[2:]
	for i := range row {
		n := int32(binary.BigEndian.Uint32(body))
		body = body[4:]
		if n >= 0 {
			text := string(body[:n])
			row[i], body = &text, body[n:]
		}
	}
	if len(body) != 0 {
		c.t.Errorf("%d bytes behind a DataRow body", len(body))
	}
	last := &c.results[len(c.results)-1]
	last.rows = append(last.rows, row)
	return c.fail
}

func (c *collector) Complete(i int, done upstream.Completion) error {
	if !c.open || i != len(c.results)-1 {
		c.t.Errorf("Complete(%d) with %d results, open %v", i, len(c.results), c.open)
	}
	c.open = false
	c.results[i].done = done
	return nil
}

const fieldA = `{"name":"a","dataTypeID":23,"tableID":0,"columnID":0,"dataTypeSize":4,"dataTypeModifier":-1,"format":"text"}`

const oneRow = `{"fields":[` + fieldA + `],"rows":[["1"]],"command":"SELECT","rowCount":1,"rowAsArray":true}`

func newClient(t testing.TB, url string, change func(*Config)) *Client {
	t.Helper()
	cfg := Config{Host: "ep-test-1.us-east-2.aws.neon.tech", Endpoint: url, Database: "neondb", Role: "authenticated", Name: "main"}
	if change != nil {
		change(&cfg)
	}
	c, err := New(prometheus.NewRegistry(), nil, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func single(sql string, params ...[]byte) *upstream.Request {
	return &upstream.Request{Token: upstream.NewToken("a.b.c"), Subject: "alice", Statements: []upstream.Statement{{SQL: sql, Params: params}}}
}

func batch(sql ...string) *upstream.Request {
	r := &upstream.Request{Token: upstream.NewToken("a.b.c"), Subject: "alice", Transaction: true}
	for _, s := range sql {
		r.Statements = append(r.Statements, upstream.Statement{SQL: s})
	}
	return r
}

func TestRunSendsTheContractsRequest(t *testing.T) {
	type sent struct {
		method, path, body string
		header             http.Header
	}
	var got sent
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got = sent{r.Method, r.URL.String(), string(b), r.Header}
		if strings.HasPrefix(string(b), `{"queries"`) {
			_, _ = io.WriteString(w, `{"results":[`+oneRow+`,`+oneRow+`]}`)
			return
		}
		_, _ = io.WriteString(w, oneRow)
	}))
	defer srv.Close()
	c := newClient(t, srv.URL, func(cfg *Config) { cfg.Database = "a/b?options=-c x@é"; cfg.Role = "ro:le" })

	sink := &collector{t: t}
	if err := c.Run(t.Context(), single("select \"$1\\\"\n", []byte("é\x01"), nil, []byte{}), sink); err != nil {
		t.Fatal(err)
	}
	if want := `{"query":"select \"$1\\\"\n","params":["é\u0001",null,""]}`; got.body != want {
		t.Errorf("body %s, want %s", got.body, want)
	}
	if got.method != "POST" || got.path != "/sql" {
		t.Errorf("%s %s", got.method, got.path)
	}
	for key, want := range map[string]string{
		"Authorization":              "Bearer a.b.c",
		"Neon-Connection-String":     "postgresql://ro%3Ale@ep-test-1.us-east-2.aws.neon.tech/a%2Fb%3Foptions%3D-c%20x%40%C3%A9",
		"Neon-Raw-Text-Output":       "true",
		"Neon-Array-Mode":            "true",
		"Accept-Encoding":            "identity",
		"Content-Type":               "application/json",
		"Neon-Batch-Isolation-Level": "",
		"Neon-Batch-Read-Only":       "",
		"Neon-Batch-Deferrable":      "",
		"Idempotency-Key":            "",
	} {
		if got.header.Get(key) != want {
			t.Errorf("%s: %q, want %q", key, got.header.Get(key), want)
		}
	}
	if len(sink.results) != 1 || len(sink.results[0].rows) != 1 || *sink.results[0].rows[0][0] != "1" || sink.results[0].done != (upstream.Completion{Command: "SELECT", Rows: 1, HasRows: true}) {
		t.Errorf("result %+v", sink.results)
	}

	req := batch("select 1", "select 2")
	req.Isolation, req.ReadOnly, req.Deferrable = upstream.RepeatableRead, true, true
	sink = &collector{t: t}
	if err := c.Run(t.Context(), req, sink); err != nil {
		t.Fatal(err)
	}
	if want := `{"queries":[{"query":"select 1","params":[]},{"query":"select 2","params":[]}]}`; got.body != want {
		t.Errorf("body %s, want %s", got.body, want)
	}
	for key, want := range map[string]string{"Neon-Batch-Isolation-Level": "RepeatableRead", "Neon-Batch-Read-Only": "true", "Neon-Batch-Deferrable": "true"} {
		if got.header.Get(key) != want {
			t.Errorf("%s: %q, want %q", key, got.header.Get(key), want)
		}
	}
	if len(sink.results) != 2 || sink.open {
		t.Errorf("results %+v", sink.results)
	}
}
