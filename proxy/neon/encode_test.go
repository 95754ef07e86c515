package neon

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

type wireStatement struct {
	Query  string    `json:"query"`
	Params []*string `json:"params"`
}

func FuzzEncode(f *testing.F) {
	f.Add("select $1", []byte("x"), false)
	f.Add("a\"\\\n\r\t\x01\x7fé\u2028😀", []byte("\x00"), true)
	f.Add("\xff", []byte("\xc3"), true)
	f.Fuzz(func(t *testing.T, sql string, param []byte, inBatch bool) {
		c := &Client{cfg: Config{MaxRequest: 1 << 20}}
		req := &upstream.Request{Transaction: inBatch, Statements: []upstream.Statement{{SQL: sql, Params: [][]byte{param, nil}}}}
		if inBatch {
			req.Statements = append(req.Statements, upstream.Statement{SQL: sql})
		}
		got, err := c.encode(nil, req)
		bad := !utf8.ValidString(sql) || !utf8.Valid(param) || strings.ContainsRune(sql+string(param), 0)
		if bad {
			if e, ok := errors.AsType[*upstream.Error](err); !ok || e.PG.Code != "22021" || e.MayHaveRun() {
				t.Fatalf("%v", err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		all := []wireStatement{{}}
		if inBatch {
			var m map[string][]wireStatement
			if err := json.Unmarshal(got, &m); err != nil || len(m["queries"]) != 2 {
				t.Fatalf("%s: %v", got, err)
			}
			all = m["queries"]
		} else if err := json.Unmarshal(got, &all[0]); err != nil {
			t.Fatalf("%s: %v", got, err)
		}
		for i, st := range all {
			if st.Query != sql || len(st.Params) != len(req.Statements[i].Params) {
				t.Fatalf("%s for %q", got, sql)
			}
		}
		if p := all[0].Params; p[1] != nil || (param == nil) != (p[0] == nil) || p[0] != nil && *p[0] != string(param) {
			t.Fatalf("%s for %q", got, param)
		}
	})
}

func TestRequestLimits(t *testing.T) {
	sent := 0
	c := newClient(t, "", func(cfg *Config) {
		cfg.MaxRequest = 100
		cfg.RoundTripper = roundTripper(func(call) (int, string, error) { sent++; return 200, oneRow, nil })
	})
	fits := 100 - len(`{"query":"","params":[]}`)
	if err := c.Run(t.Context(), single(strings.Repeat("x", fits)), &collector{t: t}); err != nil || sent != 1 {
		t.Errorf("exactly the limit: %v, sent %d", err, sent)
	}
	many := make([][]byte, 32768)
	for name, c2 := range map[string]struct {
		req        *upstream.Request
		code, text string
	}{
		"one byte more":    {single(strings.Repeat("x", fits+1)), "54000", "100 bytes"},
		"long before sent": {single(strings.Repeat("x", 1000)), "54000", "100 bytes"},
		"escapes":          {single(strings.Repeat("\x01", 50)), "54000", "100 bytes"},
		"batch":            {batch("select 1", strings.Repeat("x", 60)), "54000", "100 bytes"},
		"parameters":       {single("x", many...), "54000", "32767"},
		"NUL in SQL":       {single("select '\x00'"), "22021", "UTF8"},
		"NUL in parameter": {single("select $1", []byte("a\x00")), "22021", "UTF8"},
		"UTF-8 in SQL":     {single("select '\xff'"), "22021", "UTF8"},
		"UTF-8 in param":   {single("select $1", []byte("\xed\xa0\x80")), "22021", "UTF8"},
		"token":            {&upstream.Request{Token: upstream.NewToken("a.b.c\r\nX: y"), Statements: []upstream.Statement{{SQL: "x"}}}, "28000", "token"},
		"no token":         {&upstream.Request{Statements: []upstream.Statement{{SQL: "x"}}}, "28000", "token"},
	} {
		err := c.Run(t.Context(), c2.req, &collector{t: t})
		e, ok := errors.AsType[*upstream.Error](err)
		if !ok || e.PG.Code != c2.code || e.Outcome != upstream.NotRun || !strings.Contains(e.PG.Message, c2.text) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if sent != 1 {
		t.Errorf("%d requests were sent", sent)
	}
}
