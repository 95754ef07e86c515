package neon

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

const exchangesFile = "neontest/testdata/exchanges.jsonl"

// exchange is what the client needs of a recorded answer of Neon's own software.
type exchange struct {
	Name    string
	Request struct {
		Headers map[string]string
	}
	Response struct {
		Status           int
		Body             string
		ConnectionClosed bool `json:"connection_closed"`
	}
}

type recordedField struct {
	Name         string
	DataTypeID   uint32
	TableID      uint32
	ColumnID     int16
	DataTypeSize int16
	Modifier     int32 `json:"dataTypeModifier"`
}

type recordedResult struct {
	Fields     []recordedField
	Rows       [][]any
	Command    string
	RowCount   *int64
	RowAsArray bool
}

// ownErrors is what becomes of each of Neon's own sentences in the recordings: by their beginning, the longest that fits.
var ownErrors = map[string]struct {
	code    string
	outcome upstream.Outcome
}{
	"jwk not found": {"57P03", upstream.NotRun},
	"Provided authentication token is not a valid JWT encoding": {"28000", upstream.NotRun},
	"invalid JWT token audience":                                {"28000", upstream.NotRun},
	"JWT token has expired":                                     {"28000", upstream.NotRun},
	"JWT token is not yet ready to use":                         {"28000", upstream.NotRun},
	"signature error":                                           {"28000", upstream.NotRun},
	"signature algorithm not supported":                         {"28000", upstream.NotRun},
	"invalid RSA signing algorithm":                             {"28000", upstream.NotRun},
	"unsupported key type Oct":                                  {"28000", upstream.NotRun},
	"unsupported key type Okp(Ed25519)":                         {"28000", upstream.NotRun},
	"unsupported EC key type P384":                              {"28000", upstream.NotRun},
	"invalid type: string ":                                     {"28000", upstream.NotRun},
	"missing key id":                                            {"28000", upstream.NotRun},
	"failed to fetch auth rules":                                {"28000", upstream.NotRun},
	"missing authentication credentials":                        {"28000", upstream.NotRun},
	"db error: ERROR: ":                                         {"28000", upstream.NotRun},
	"invalid isolation level":                                   {"08P01", upstream.NotRun},
	"could not parse the HTTP request body":                     {"08P01", upstream.NotRun},
	"missing hostname":                                          {"08001", upstream.NotRun},
	"missing username":                                          {"08001", upstream.NotRun},
	"missing database name":                                     {"08001", upstream.NotRun},
	"incorrect scheme":                                          {"08001", upstream.NotRun},
	"invalid username":                                          {"08001", upstream.NotRun},
	"invalid connection string":                                 {"08001", upstream.NotRun},
	"query is not supported":                                    {"08001", upstream.NotRun},
	"error serializing parameter":                               {"54000", upstream.NotRun},
	"error encoding message to server":                          {"22021", upstream.NotRun},
	"request is too large":                                      {"54000", upstream.NotRun},
	"response is too large":                                     {"54000", upstream.Unknown}, // of a single statement
	"could not set up the JWT authorization database extension": {"3D000", upstream.NotRun},
	"error connecting to server":                                {"08001", upstream.NotRun},
	"connection closed":                                         {"08007", upstream.Unknown},
	"error parsing response from server":                        {"08007", upstream.Unknown},
	"could not parse postgres response":                         {"08007", upstream.Unknown},
}

// TestEveryRecordedAnswer puts all recorded answers through the client: results come out as a general decoder has them,
// errors as the table and as Postgres said.
func TestEveryRecordedAnswer(t *testing.T) {
	data, err := os.ReadFile(exchangesFile)
	if err != nil {
		t.Fatal(err)
	}
	results, failures, seen := 0, 0, map[string]bool{}
	for line := range bytes.SplitSeq(data, []byte("\n")) {
		if len(line) == 0 {
			continue
		}
		var e exchange
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		switch {
		case e.Response.ConnectionClosed:
		case e.Response.Status == 200:
			results++
			checkResult(t, &e)
		default:
			failures++
			seen[checkFailure(t, &e)] = true
			// As the broker passes answers on.
			if b, err := json.Marshal(e.Response.Body); err == nil && e.Response.Body[0] == '{' {
				wrapped := e
				wrapped.Response.Body = string(b)
				checkFailure(t, &wrapped)
			}
		}
	}
	if results < 300 || failures < 200 {
		t.Errorf("only %d results and %d errors", results, failures)
	}
	for text := range ownErrors {
		if !seen[text] && text != "missing key id" && text != "error connecting to server" {
			t.Errorf("%q is in no recorded answer", text)
		}
	}
}

func checkResult(t *testing.T, e *exchange) {
	t.Helper()
	var all struct{ Results []recordedResult }
	isBatch := strings.HasPrefix(e.Response.Body, `{"results"`)
	req := single("x")
	if e.Response.Body == "" { // OPTIONS
		check(t, answerWith(t, 200, "", req), "08006", upstream.Unknown)
		return
	}
	if isBatch {
		if err := json.Unmarshal([]byte(e.Response.Body), &all); err != nil {
			t.Fatalf("%s: %v", e.Name, err)
		}
		req = batch(make([]string, len(all.Results))...)
	} else {
		all.Results = make([]recordedResult, 1)
		if err := json.Unmarshal([]byte(e.Response.Body), &all.Results[0]); err != nil {
			// Rows as objects: an answer to a request that this client never sends.
			check(t, answerWith(t, 200, e.Response.Body, req), "08006", upstream.Unknown)
			return
		}
	}
	if len(req.Statements) == 0 {
		return // a batch of nothing is never sent
	}
	if e.Request.Headers["Neon-Raw-Text-Output"] != "true" || e.Request.Headers["Neon-Array-Mode"] != "true" {
		for _, r := range all.Results {
			for _, row := range r.Rows {
				for _, cell := range row {
					if _, isText := cell.(string); !isText && cell != nil {
						check(t, answerWith(t, 200, e.Response.Body, req), "08006", upstream.Unknown)
						return
					}
				}
			}
		}
	}
	client := newClient(t, "", func(cfg *Config) {
		cfg.RoundTripper = roundTripper(func(call) (int, string, error) { return 200, e.Response.Body, nil })
	})
	sink := &collector{t: t}
	if err := client.Run(t.Context(), req, sink); err != nil {
		t.Errorf("%s: %v\n%.300s", e.Name, err, e.Response.Body)
		return
	}
	if len(sink.results) != len(all.Results) {
		t.Fatalf("%s: %d results, want %d", e.Name, len(sink.results), len(all.Results))
	}
	for i, want := range all.Results {
		got := sink.results[i]
		if got.done.Command != want.Command || got.done.HasRows != (want.RowCount != nil) || want.RowCount != nil && got.done.Rows != *want.RowCount {
			t.Errorf("%s: completion %+v", e.Name, got.done)
		}
		if len(got.fields) != len(want.Fields) || len(got.rows) != len(want.Rows) {
			t.Fatalf("%s: %d fields, %d rows", e.Name, len(got.fields), len(got.rows))
		}
		for j, f := range want.Fields {
			if got.fields[j] != (upstream.Field{Name: f.Name, TableOID: f.TableID, Column: uint16(f.ColumnID), TypeOID: f.DataTypeID, TypeSize: f.DataTypeSize, TypeMod: f.Modifier}) {
				t.Errorf("%s: field %+v, want %+v", e.Name, got.fields[j], f)
			}
		}
		for j, row := range want.Rows {
			for k, cell := range row {
				if g := got.rows[j][k]; cell == nil && g != nil || cell != nil && (g == nil || *g != cell.(string)) {
					t.Errorf("%s: row %d, column %d differ", e.Name, j, k)
				}
			}
		}
	}
}

// checkFailure returns the key of ownErrors that e's message belongs to, "" if it is an error of Postgres.
func checkFailure(t *testing.T, e *exchange) string {
	t.Helper()
	client := newClient(t, "", func(cfg *Config) {
		cfg.RoundTripper = roundTripper(func(call) (int, string, error) { return e.Response.Status, e.Response.Body, nil })
	})
	a, ok := errors.AsType[*upstream.Error](client.Run(t.Context(), single("x"), &collector{t: t}))
	if !ok {
		t.Fatalf("%s: no upstream error", e.Name)
	}
	text := e.Response.Body
	var inner string
	if json.Unmarshal([]byte(text), &inner) == nil && strings.HasPrefix(inner, "{") {
		text = inner
	}
	var body map[string]any
	if err := json.Unmarshal([]byte(text), &body); err != nil {
		body = map[string]any{"message": strings.Trim(text, `"`), "code": ""}
	}
	said := func(key string) string {
		if body[key] == nil {
			return ""
		}
		return fmt.Sprint(body[key])
	}
	if said("code") == "" {
		best := ""
		for text := range ownErrors {
			if strings.HasPrefix(said("message"), text) && len(text) >= len(best) {
				best = text
			}
		}
		want, ok := ownErrors[best]
		if !ok || a.PG.Code != want.code || a.Outcome != want.outcome {
			t.Errorf("%s: %q became %v, %v", e.Name, said("message"), a, a.Outcome)
		}
		return best
	}
	outcome := upstream.Failed
	if said("severity") == "FATAL" {
		outcome = upstream.NotRun
	}
	number := func(n int32) string {
		if n == 0 {
			return ""
		}
		return strconv.Itoa(int(n))
	}
	pg := a.PG
	for key, got := range map[string]string{"code": pg.Code, "message": pg.Message, "hint": pg.Hint, "position": number(pg.Position),
		"internalPosition": number(pg.InternalPosition), "internalQuery": pg.InternalQuery, "where": pg.Where, "schema": pg.Schema, "table": pg.Table,
		"column": pg.Column, "dataType": pg.DataType, "constraint": pg.Constraint, "file": pg.File, "line": number(pg.Line), "routine": pg.Routine} {
		if got != said(key) {
			t.Errorf("%s: %s is %q, want %q", e.Name, key, got, said(key))
		}
	}
	if a.Outcome != outcome || pg.IsFatal() || outcome == upstream.Failed && pg.Detail != said("detail") {
		t.Errorf("%s: %+v, %v", e.Name, pg, a.Outcome)
	}
	return ""
}
