package session

import (
	"encoding/binary"
	"net"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgturnstile/pgturnstile/proxy/guc"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
	"github.com/pgturnstile/pgturnstile/proxy/wire"
)

const noEuro = `character with byte sequence 0xe2 0x82 0xac in encoding "UTF8" has no equivalent in encoding "LATIN1"`

func textRows(name string, values ...string) result {
	r := result{fields: []upstream.Field{{Name: name, TypeOID: 25, TypeSize: -1, TypeMod: -1}}, command: "SELECT", count: int64(len(values))}
	for _, v := range values {
		r.rows = append(r.rows, []string{v})
	}
	return r
}

// latin1 is a session whose client speaks LATIN1.
func latin1(t *testing.T, results map[string]result) *client {
	t.Helper()
	c := connect(t, &scripted{results: results})
	if got := c.query("set client_encoding = 'iso-8859-1'"); got != "C(SET) S(client_encoding=LATIN1) Z(I)" {
		t.Fatal(got)
	}
	return c
}

func TestClientEncoding(t *testing.T) {
	returning := textRows("a", "€")
	returning.command = "INSERT"
	results := map[string]result{
		"select 'é'":                           textRows("é", "é", "ü"),
		"select 1":                             textRows("x", "é", "€", "never"),
		"select 2":                             textRows("€", "x"),
		"insert into t values (1) returning a": returning,
		"select 'ü' bad":                       {err: failing("22012", 13)},
		"select quoted":                        {err: &upstream.Error{PG: failing("22P02", 0).PG.WithDetail("ü"), Outcome: upstream.Failed}},
		"select euro":                          {err: &upstream.Error{PG: failing("22P02", 0).PG.WithDetail("€"), Outcome: upstream.Failed}},
		"insert into t values (2)":             {command: "INSERT", count: 1},
	}
	for _, tc := range []struct{ name, sql, want, sent string }{
		{"both ways", "select '\xe9'", "T(\xe9) D(\xe9) D(\xfc) C(SELECT 2) Z(I)", "auto: select 'é'"},
		{"a row that the client cannot be given", "select 1", "T(x) D(\xe9) E(ERROR 22P05: " + noEuro + ") Z(I)", "auto: select 1"},
		{"a column that the client cannot be given", "select 2", "E(ERROR 22P05: " + noEuro + ") Z(I)", "auto: select 2"},
		{"of a write", "insert into t values (1) returning a",
			"T(a) E(ERROR 22P05: " + noEuro + " (The statement has been committed.)) Z(I)", "tx: insert into t values (1) returning a"},
		{"behind a write", "insert into t values (2); select 1",
			"C(INSERT 0 1) T(x) D(\xe9) E(ERROR 22P05: " + noEuro + " (The transaction of this statement has been committed.)) Z(I)",
			"tx: insert into t values (2); | select 1"},
		{"in a block", "begin; insert into t values (2); select 1; commit",
			"C(BEGIN) C(INSERT 0 1) T(x) D(\xe9) E(ERROR 22P05: " + noEuro + " (The transaction of this statement has been committed.)) Z(E)",
			"tx: insert into t values (2); | select 1;"},
		{"rolled back by itself", "begin; insert into t values (2); select 1; rollback",
			"C(BEGIN) C(INSERT 0 1) T(x) D(\xe9) E(ERROR 22P05: " + noEuro + ") Z(E)", "tx: insert into t values (2); | select 1; | ROLLBACK"},
		{"an error's place is in characters", "select '\xfc' bad", "E(ERROR 22012@13: it failed) Z(I)", "auto: select 'ü' bad"},
		{"an error's texts", "select quoted", "E(ERROR 22P02: it failed (\xfc)) Z(I)", ""},
		{"an error that the client cannot be told", "select euro", "E(ERROR 22P05: " + noEuro + ") Z(I)", ""},
		{"an error of ours", "deallocate \xe9", `E(ERROR 26000: prepared statement "` + "\xe9" + `" does not exist) Z(I)`, ""},
		{"a setting that is kept here", "show client_encoding", "T(client_encoding) D(LATIN1) C(SHOW) Z(I)", ""},
		{"changed within", "select '\xe9'; set names 'utf8'; select '\xe9'",
			"T(\xe9) D(\xe9) D(\xfc) C(SELECT 2) C(SET) T(é) D(é) D(ü) C(SELECT 2) S(client_encoding=UTF8) Z(I)", ""},
		{"changed for a transaction", "begin; set local client_encoding = 'utf8'; select '\xe9'; commit; select '\xe9'",
			"C(BEGIN) C(SET) T(é) D(é) D(ü) C(SELECT 2) C(COMMIT) T(\xe9) D(\xe9) D(\xfc) C(SELECT 2) Z(I)", ""},
		{"back to a savepoint", "begin; savepoint s; set client_encoding = 'utf8'; select '\xe9'; rollback to s; select '\xe9'; commit",
			"C(BEGIN) C(SAVEPOINT) C(SET) T(é) D(é) D(ü) C(SELECT 2) C(ROLLBACK) T(\xe9) D(\xe9) D(\xfc) C(SELECT 2) C(COMMIT) Z(I)", ""},
		{"an error in the encoding that it undoes", "set client_encoding = 'utf8'; select euro", "C(SET) E(ERROR 22P02: it failed (€)) Z(I)", ""},
		{"reset", "reset client_encoding", "C(RESET) S(client_encoding=UTF8) Z(I)", ""},
		{"one that is not converted", "set client_encoding = 'johab'", "E(ERROR 0A000: client_encoding JOHAB is not supported by pgturnstile) Z(I)", ""},
		{"one that does not exist", "set client_encoding = 'latin11'", `E(ERROR 22023: invalid value for parameter "client_encoding": "latin11") Z(I)`, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := latin1(t, results)
			if got := c.query(tc.sql); got != tc.want {
				t.Errorf("answer\n got %q\nwant %q", got, tc.want)
			}
			if sent := strings.Join(c.up.sent(), "\n"); tc.sent != "" && sent != tc.sent {
				t.Errorf("sent\n got %s\nwant %s", sent, tc.sent)
			}
			if got := c.query("show application_name"); !strings.HasPrefix(got, "E(ERROR 25P02") && got != "T(application_name) D(test) C(SHOW) Z(I)" {
				t.Errorf("afterwards %q", got)
			}
		})
	}
}

func TestClientEncodingInThePipeline(t *testing.T) {
	c := latin1(t, map[string]result{"select $1 as é": textRows("é", "ü"), "select 1": textRows("x", "€")})
	bound := func(portal, statement string, values ...string) *pgproto3.Bind {
		m := bind(portal, statement)
		for _, v := range values {
			m.Parameters = append(m.Parameters, []byte(v))
		}
		return m
	}
	c.send(parse("s\xe9", "select $1 as \xe9"), bound("p\xe9", "s\xe9", "\xe4"), describeP("p\xe9"), execute("p\xe9"), &pgproto3.Sync{})
	if got, want := c.cycle(), "1 2 T(\xe9) D(\xfc) C(SELECT 1) Z(I)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := strings.Join(c.up.sent(), "\n"), "auto: select $1 as é <ä>"; got != want {
		t.Errorf("sent %q, want %q", got, want)
	}
	c.send(parse("s\xe9", "select 1"), &pgproto3.Sync{})
	if got, want := c.cycle(), `E(ERROR 42P05: prepared statement "s`+"\xe9"+`" already exists) Z(I)`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	c.send(bound("", "s\xe9", "a\x00"), &pgproto3.Sync{})
	if got, want := c.cycle(), `E(ERROR 22021: invalid byte sequence for encoding "LATIN1": 0x00) Z(I)`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	c.send(parse("", "select 1"), bind("", ""), execute(""), parse("", "select 1"), bind("", ""), execute(""), &pgproto3.Sync{})
	if got, want := c.cycle(), "1 2 E(ERROR 22P05: "+noEuro+") Z(I)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Postgres would read what stands behind the change in the new encoding.
func TestTextBehindAChangeOfEncoding(t *testing.T) {
	const refused = "E(ERROR 0A000: a text that is not ASCII behind a change of client_encoding in the same pipeline is not supported by pgturnstile) Z(I)"
	run := func(sql string, behind ...pgproto3.FrontendMessage) string {
		c := latin1(t, nil)
		c.send(append([]pgproto3.FrontendMessage{parse("", sql), bind("", ""), execute("")}, behind...)...)
		return c.cycle()
	}
	sync := &pgproto3.Sync{}
	withParameter := bind("", "")
	withParameter.Parameters = [][]byte{[]byte("\xe9")}
	for name, behind := range map[string][]pgproto3.FrontendMessage{
		"Parse": {parse("", "select '\xe9'"), sync}, "a statement's name": {parse("\xe9", "select 1"), sync},
		"Bind": {parse("", "select $1"), withParameter, sync}, "a portal's name": {bind("\xe9", ""), sync},
		"Describe": {describeP("\xe9"), sync}, "Execute": {execute("\xe9"), sync},
		"Close": {&pgproto3.Close{ObjectType: 'S', Name: "\xe9"}, sync}, "Query": {&pgproto3.Query{String: "select '\xe9'"}},
	} {
		if got := run("set client_encoding = 'utf8'", behind...); !strings.HasSuffix(got, refused) {
			t.Errorf("%s: %q", name, got)
		}
	}
	for _, sql := range []string{"reset client_encoding", "reset all", "discard all", "set names default"} {
		if got := run(sql, parse("", "select '\xe9'"), sync); !strings.HasSuffix(got, refused) {
			t.Errorf("%s: %q", sql, got)
		}
	}
	if got, want := run("set client_encoding = 'utf8'", parse("", "select 1"), bind("", ""), execute(""), sync),
		"1 2 C(SET) 1 2 D(select 1) C(SELECT 1) S(client_encoding=UTF8) Z(I)"; got != want {
		t.Errorf("ASCII: %q, want %q", got, want)
	}
	if got := run("set client_encoding = latin1", parse("", "select '\xe9'"), sync); strings.Contains(got, "0A000") {
		t.Errorf("the encoding that it is: %q", got)
	}
}

// A parameter that is longer in UTF-8 counts as what it is kept as.
func TestTranslatedParametersAreBounded(t *testing.T) {
	c := connect(t, &scripted{}, func(o *Options) { o.Route.MaxRequest = 10_000 })
	c.query("set client_encoding = latin1")
	m := bind("", "")
	m.Parameters = [][]byte{[]byte(strings.Repeat("\xe9", 6_000))}
	c.send(parse("", "select $1"), m, execute(""), &pgproto3.Sync{})
	if got := c.cycle(); !strings.Contains(got, "E(ERROR 54000: ") {
		t.Errorf("got %q", got)
	}
}

func TestClientEncodingOfTheStartupPacket(t *testing.T) {
	for given, reported := range map[string]string{"sjis": "SJIS", "SQL_ASCII": "SQL_ASCII"} {
		settings, perr := guc.Startup([]wire.Parameter{{Name: "client_encoding", Value: given}, {Name: "application_name", Value: "test"}})
		if perr != nil {
			t.Fatal(perr)
		}
		if settings.Encoding() != reported {
			t.Errorf("%s is %s", given, settings.Encoding())
		}
		c := connect(t, &scripted{results: map[string]result{"select 1": textRows("日", "本")}}, func(o *Options) { o.Settings = settings })
		want := "T(日) D(本) C(SELECT 1) Z(I)"
		if given == "sjis" {
			want = "T(\x93\xfa) D(\x96{) C(SELECT 1) Z(I)"
		}
		if got := c.query("select 1"); got != want {
			t.Errorf("%s: %q, want %q", given, got, want)
		}
	}
}

func BenchmarkEndRow(b *testing.B) {
	body := binary.BigEndian.AppendUint16(nil, 1)
	body = append(binary.BigEndian.AppendUint32(body, 40), strings.Repeat("0123456789", 4)...)
	for _, name := range []string{"UTF8", "LATIN1"} {
		b.Run(name, func(b *testing.B) {
			conn := wire.NewConn(discardConn{}, wire.Limits{})
			settings, perr := guc.Startup([]wire.Parameter{{Name: "client_encoding", Value: name}})
			if perr != nil {
				b.Fatal(perr)
			}
			s := &Session{conn: conn}
			s.speak(settings)
			a := &answers{session: s, group: &group{members: []member{{exec: &execution{}}}}}
			b.ReportAllocs()
			for b.Loop() {
				if err := a.EndRow(append(a.NextRow(), body...)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// discardConn takes whatever is written.
type discardConn struct{ net.Conn }

func (discardConn) Write(b []byte) (int, error) { return len(b), nil }
