package neontest

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/pgturnstile/pgturnstile/proxy/neon/neontest/rustjson"
)

func TestParseTarget(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"postgresql://authenticated@ep-1.us-east-2.aws.neon.tech/neondb", "ep-1 authenticated neondb"},
		{"POSTGRES://u:p@h:5432/db?options=-c%20x#f", "h u db"},
		{" postgres://u@h/db ", "h u db"},
		{"postgres://a%40b@h/%C3%A9%2Fx", "h a@b é/x"},
		{"postgres://u@v@h/db", "h u@v db"},
		{"postgres://u@h/100%/x", "h u 100%"},
		{"postgres://u@h/%4", "h u %4"},
		{"postgres://u@h/./a", "h u a"},
		{"postgres://u@h/a/..", "h u "},
		{"postgres://u@h/a/../b", "h u b"},
		{"postgres://u@h/%2E%2e/b", "h u b"},
		{"postgres://u@h//b", "h u "},
		{"postgres://u@1.2.3.4/db", "1 u db"},
		{"postgres://u@h:/db", "h u db"},
		{"", "invalid connection string: relative URL without a base"},
		{"1postgres://u@h/db", "invalid connection string: relative URL without a base"},
		{"//u@h/db", "invalid connection string: relative URL without a base"},
		{"mysql://u@h/db", "incorrect scheme"},
		{"http:///", "invalid connection string: empty host"},
		{"postgres:db", "missing database name"},
		{"postgres:/db", "missing username"},
		{"postgres://u@h", "missing database name"},
		{"postgres://u@h?x", "missing database name"},
		{"postgres:///db", "missing username"},
		{"postgres://:p@h/db", "missing username"},
		{"postgres://u@/db", "invalid connection string: empty host"},
		{"postgres://@/db", "invalid connection string: empty host"},
		{"postgres://u@:5432/db", "invalid connection string: empty host"},
		{"postgres://u@h:x/db", "invalid connection string: invalid port number"},
		{"postgres://u@h:65536/db", "invalid connection string: invalid port number"},
		{"postgres://u@a b/db", "invalid connection string: invalid domain character"},
		{"postgres://u@[::1/db", "invalid connection string: invalid IPv6 address"},
		{"postgres://u@[::g]/db", "invalid connection string: invalid IPv6 address"},
		{"postgres://u@[::1]:5/db", "missing hostname"},
		{"postgres://u%ff@h/db", "invalid username: invalid utf-8 sequence of 1 bytes from index 1"},
		{"postgres://u@h/%e2%82", "invalid username: incomplete utf-8 byte sequence from index 0"},
		{"postgres://u@h/a%e2%82x", "invalid username: invalid utf-8 sequence of 2 bytes from index 1"},
		{"postgres://u@h/%ed%a0%80", "invalid username: invalid utf-8 sequence of 1 bytes from index 0"},
	} {
		to, f := parseTarget(test.text, func() *failure { return nil })
		got := to.endpoint + " " + to.role + " " + to.database
		if f != nil {
			got = f.Error()
		}
		if got != test.want {
			t.Errorf("%q: %q, want %q", test.text, got, test.want)
		}
	}
}

func TestParsePayload(t *testing.T) {
	const mismatch = "could not parse the HTTP request body: data did not match any variant of untagged enum Payload"
	for _, test := range []struct{ body, want string }{
		{`{"query":"a"}`, "single a[]"},
		{`{"query":"a","params":[1,"x",null,true,-0,1.0,[1,[null,"a\"b"],{"k":"v"}],{"b":1,"a":2}],"arrayMode":null,"x":0}`,
			`single a[1 x NULL true -0.0 1.0 {1,{NULL,"a\"b"},"{\"k\":\"v\"}"} {"a":2,"b":1}]`},
		{`{"query":"a","queries":[{"query":"b"}]}`, "single a[]"},
		{`{"queries":[]}`, "batch"},
		{`{"queries":[{"query":"a"},{"query":"b","params":[]}]}`, "batch a[] b[]"},
		{`["a"]`, "single a[]"},
		{`["a",["1"],true]`, "single a[1]"},
		{`[[["a"],{"query":"b"}]]`, "batch a[] b[]"},
		{`["a",[],true,1]`, mismatch},
		{`[]`, mismatch},
		{`null`, mismatch},
		{`{"query":"a","params":null}`, mismatch},
		{`{"query":"a","params":{}}`, mismatch},
		{`{"query":"a","arrayMode":1}`, mismatch},
		{`{"query":"a","params":[],"params":[]}`, mismatch},
		{`{"queries":[{"query":"a"},{"queries":[]}]}`, mismatch},
		{`{"query":1} x`, mismatch},
		{`{"query":"a"} x`, "could not parse the HTTP request body: trailing characters at line 1 column 15"},
		{`{"query":"a","params":[1e999]}`, "could not parse the HTTP request body: number out of range at line 1 column 28"},
	} {
		p, f := parsePayload([]byte(test.body))
		got := describe(p)
		if f != nil {
			got = f.Error()
		}
		if got != test.want {
			t.Errorf("%s: %s\nwant %s", test.body, got, test.want)
		}
	}
}

func describe(p payload) string {
	words := []string{"single"}
	if p.batch {
		words[0] = "batch"
	}
	for _, st := range p.statements {
		var params []string
		for _, param := range st.params {
			if param == nil {
				params = append(params, "NULL")
			} else {
				params = append(params, string(param))
			}
		}
		words = append(words, st.sql+"["+strings.Join(params, " ")+"]")
	}
	return strings.Join(words, " ")
}

func TestValuesThatAreNotRaw(t *testing.T) {
	for _, test := range []struct {
		oid        uint32
		text, want string // "" is an answer that cannot be read
	}{
		{16, "t", "true"}, {16, "f", "false"}, {23, "-7", "-7"}, {21, "x", ""}, {20, "9007199254740993", `"9007199254740993"`},
		{701, "1.5", "1.5"}, {701, "1e+20", "1e20"}, {701, "-0", "-0.0"}, {701, "NaN", `"NaN"`}, {701, "-Infinity", `"-Infinity"`}, {1700, "1.50", `"1.50"`},
		{114, `{"x":  1}`, `{"x":  1}`}, {25, "a\"b", `"a\"b"`},
		{1007, "{1,NULL,-3}", "[1,null,-3]"}, {1007, "{{1,2},{3,4}}", "[[1,2],[3,4]]"}, {1007, "[0:1]={1,2}", "[1,2]"}, {1007, "{}", ""},
		{1009, `{}`, `[""]`}, {1009, `{a,"b c","NULL",NULL,"q\"\\"}`, `["a","b c","NULL",null,"q\"\\"]`}, {1009, `{a`, ""}, {1009, `{"a`, ""}, {1009, `{a}x`, ""}, {1009, `a`, ""}, {1009, `[1:2]`, ""},
		{1000, "{t,f}", "[true,false]"}, {3807, `{"{\"a\": 1}"}`, `[{"a": 1}]`}, {22, "1 2", ""}, {1020, "{(1,1),(0,0);(2,2),(1,1)}", `["(1","1)","(0","0);(2","2)","(1","1)"]`},
	} {
		got, err := appendValue(nil, test.text, builtin[test.oid])
		if err != nil {
			got = nil
		}
		if string(got) != test.want {
			t.Errorf("%d %s: %s %v, want %s", test.oid, test.text, got, err, test.want)
		}
	}
}

func TestParseToken(t *testing.T) {
	const good = `{"alg":"RS256","kid":"k"}`
	for _, test := range []struct{ header, payload, want string }{
		{good, `{"sub":"a","exp":1,"nbf":2,"aud":["x","y"],"x":1e999}`, "ok"},
		{good, `{"iss":null,"sub":null,"jti":null,"sid":null,"exp":null,"nbf":null}`, "ok"},
		{good, `{}`, "ok"},
		{`["RS256","k"]`, `{}`, "ok"},
		{`["RS256"]`, `{}`, errNotJWT.message},
		{good, `["a",1,2,"i","s","j","d"]`, "ok"},
		{good, `["a",1,2,"i","s","j"]`, errNotJWT.message},
		{`{"alg":"RS256"}`, `{}`, "missing key id"},
		{`{"alg":"RS256","kid":null}`, `{}`, "missing key id"},
		{`{"kid":"k"}`, `{}`, errNotJWT.message},
		{`{"alg":"rs256","kid":"k"}`, `{}`, errNotJWT.message},
		{`{"alg":"RS256","kid":"k","kid":"k"}`, `{}`, errNotJWT.message},
		{`{"alg":"RS256","kid":"k","x":{"kid":1}}`, `{}`, "ok"},
		{good, `{"exp":-1}`, errNotJWT.message},
		{good, `{"exp":1.0}`, errNotJWT.message},
		{good, `{"exp":"1"}`, errNotJWT.message},
		{good, `{"exp":9223372036854775807}`, "ok"},
		{good, `{"nbf":9223372036854775808}`, errNotJWT.message},
		{good, `{"aud":null}`, errNotJWT.message},
		{good, `{"aud":["x",1]}`, errNotJWT.message},
		{good, `{"sub":1}`, errNotJWT.message},
		{good, `{"sid":{}}`, errNotJWT.message},
		{good, `{"sub":"a","sub":"a"}`, errNotJWT.message},
		{good, `{"x":1,"x":2}`, "ok"},
		{good, `[]`, errNotJWT.message},
		{good, `{} x`, errNotJWT.message},
	} {
		text := encode(test.header) + "." + encode(test.payload) + ".AAAA"
		_, f := parseToken(text)
		got := "ok"
		if f != nil {
			got = f.message
		}
		if got != test.want {
			t.Errorf("%s %s: %s, want %s", test.header, test.payload, got, test.want)
		}
	}
	for _, text := range []string{"", "a", "a.b", "..", encode(good) + "." + encode("{}") + ".A", encode(good) + "=." + encode("{}") + ".AAAA", encode(good) + ".\n" + encode("{}") + ".AAAA"} {
		if _, f := parseToken(text); f != errNotJWT {
			t.Errorf("%q: %v", text, f)
		}
	}
}

func encode(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func TestTimesOfToken(t *testing.T) {
	now := time.Unix(1000, 0)
	at := func(n uint64) *uint64 { return &n }
	for _, test := range []struct {
		exp, nbf *uint64
		now      time.Time
		want     string
	}{
		{nil, nil, now, "ok"},
		{at(971), nil, now, "ok"},
		{at(970), nil, now, "JWT token has expired (exp=970)"},
		{at(970), nil, now.Add(-1), "ok"},
		{nil, at(1029), now, "ok"},
		{nil, at(1030), now, "JWT token is not yet ready to use (nbf=1030)"},
		{nil, at(1030), now.Add(1), "ok"},
		{nil, at(9223372036854775807), now, "JWT token is not yet ready to use (nbf=9223372036854775807)"},
		{at(9223372036854775777), nil, now, "ok"},
		{at(9223372036854775778), nil, now, "no answer"},
		{at(0), at(2000), now, "JWT token has expired (exp=0)"},
	} {
		tok := &token{exp: test.exp, nbf: test.nbf}
		got := "ok"
		if err := tok.verifyClaims("", test.now); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("exp %v nbf %v at %v: %s, want %s", test.exp, test.nbf, test.now, got, test.want)
		}
	}
}

func TestRefusedClaims(t *testing.T) {
	key := newKey()
	for _, test := range []struct{ payload, want string }{
		{`{"sub":"a","jti":"x"}`, "ok"},
		{`{"nbf":null,"exp":null}`, "db error: ERROR: 'nbf' (Not Before) must be an integer representing seconds since unix epoch"},
		{`{"exp":null}`, "db error: ERROR: 'exp' (Expiration) must be an integer representing seconds since unix epoch"},
		{`{"x":1e999}`, "db error: ERROR: could not parse JWT component\nDETAIL: number out of range at line 1 column 11"},
		{`{"x":"\ud800"}`, "db error: ERROR: could not parse JWT component\nDETAIL: unexpected end of hex escape at line 1 column 13"},
		{`{"\n":1}`, `invalid type: string "\n", expected a borrowed string at line 1 column 5`},
		{`[1]`, "invalid type: sequence, expected a map at line 1 column 0"},
	} {
		_, f := sessionToken([]byte(test.payload), 7, key)
		got := "ok"
		if f != nil {
			got = f.Error()
		}
		if got != test.want {
			t.Errorf("%s: %s\nwant %s", test.payload, got, test.want)
		}
	}
}

func FuzzParseURL(f *testing.F) {
	for _, seed := range []string{"postgresql://a:b@h:1/db/x?y#z", "postgres://[::1]/%41", "postgres:/../..", "http://"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		to, failed := parseTarget(text, func() *failure { return nil })
		if failed == nil && to.role == "" {
			t.Fatalf("%q has no role and is accepted", text)
		}
	})
}

func FuzzParseToken(f *testing.F) {
	f.Add(encode(`{"alg":"RS256","kid":"k"}`)+"."+encode(`{"sub":"a","exp":1,"aud":["x"]}`)+".AAAA", int64(5))
	f.Fuzz(func(t *testing.T, text string, jti int64) {
		tok, failed := parseToken(text)
		if failed != nil {
			return
		}
		session, failed := sessionToken(tok.payload, jti, []byte("key"))
		if failed != nil {
			return
		}
		// It goes into a statement's text.
		if strings.Trim(session, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") != "" || strings.Count(session, ".") != 2 {
			t.Fatalf("a session %q", session)
		}
	})
}

func FuzzParsePayload(f *testing.F) {
	f.Add([]byte(`{"query":"a","params":[1,[null],{"b":1}],"arrayMode":true}`))
	f.Add([]byte(`{"queries":[["a"]]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		p, failed := parsePayload(body)
		if failed == nil && !p.batch && len(p.statements) != 1 {
			t.Fatalf("%q is %d single statements", body, len(p.statements))
		}
	})
}

// Whatever Postgres answers, what is made of it is JSON or an error.
func FuzzAppendValue(f *testing.F) {
	f.Add(`{a,"b\"",NULL,{x}}`, uint32(1009))
	f.Add("1e5", uint32(701))
	f.Fuzz(func(t *testing.T, text string, oid uint32) {
		typ, ok := builtin[oid]
		if !ok || !utf8.ValidString(text) {
			return
		}
		if leaf := typ; leaf.oid == 114 || leaf.oid == 3802 || leaf.elem != nil && (leaf.elem.oid == 114 || leaf.elem.oid == 3802) {
			return // trusted to be JSON
		}
		value, err := appendValue(nil, text, typ)
		if err != nil {
			return
		}
		if _, err := rustjson.NewDecoder(value).Value(); err != nil && !strings.Contains(err.Error(), "recursion limit") {
			t.Fatalf("%d %q is %s: %v", oid, text, value, err)
		}
	})
}
