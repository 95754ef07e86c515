package session

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

func parse(name, sql string) *pgproto3.Parse { return &pgproto3.Parse{Name: name, Query: sql} }

func bind(portal, stmt string, params ...string) *pgproto3.Bind {
	b := &pgproto3.Bind{DestinationPortal: portal, PreparedStatement: stmt}
	for _, p := range params {
		b.Parameters = append(b.Parameters, []byte(p))
	}
	return b
}

func describeP(portal string) *pgproto3.Describe {
	return &pgproto3.Describe{ObjectType: 'P', Name: portal}
}

func execute(portal string) *pgproto3.Execute { return &pgproto3.Execute{Portal: portal} }

func TestExtendedQuery(t *testing.T) {
	sync := &pgproto3.Sync{}
	type msgs = []pgproto3.FrontendMessage
	for _, tc := range []struct {
		name string
		send msgs
		want string
		sent string
	}{
		{"one cycle", msgs{parse("", "select $1"), bind("", "", "a"), describeP(""), execute(""), sync},
			"1 2 T(v) D(select $1) C(SELECT 1) Z(I)", "auto: select $1 <a>"},
		{"no Describe, no RowDescription", msgs{parse("", "select 1"), bind("", ""), execute(""), sync},
			"1 2 D(select 1) C(SELECT 1) Z(I)", "auto: select 1"},
		{"a pipeline is one transaction", msgs{parse("a", "insert into t values ($1)"), bind("", "a", "1"), execute(""), bind("", "a", "2"), execute(""), sync},
			"1 2 C(INSERT 0 1) 2 C(INSERT 0 1) Z(I)", "tx: insert into t values ($1) <1> | insert into t values ($1) <2>"},
		{"NoData is known without the server", msgs{parse("", "insert into t values (1)"), bind("", ""), describeP(""), execute(""), sync},
			"1 2 n C(INSERT 0 1) Z(I)", "auto: insert into t values (1)"},
		{"empty", msgs{parse("", ""), bind("", ""), describeP(""), execute(""), sync}, "1 2 n I Z(I)", ""},
		{"an error skips to Sync", msgs{bind("", "nope"), execute(""), parse("", "select 1"), sync},
			`E(ERROR 26000: prepared statement "nope" does not exist) Z(I)`, ""},
		{"an error undoes what was executed", msgs{parse("", "insert into t values (1)"), bind("", ""), execute(""), bind("", "nope"), sync},
			`1 2 C(INSERT 0 1) E(ERROR 26000: prepared statement "nope" does not exist) Z(I)`, "tx: insert into t values (1) | ROLLBACK"},
		{"the server's error comes alone", msgs{parse("", "select bad"), bind("", ""), describeP(""), execute(""), sync},
			"E(ERROR 42703@8: it failed) Z(I)", "auto: select bad\ndescribe: select bad\ndescribe: select bad"},
		{"the server is asked what failed", msgs{parse("", "select none"), bind("", ""), describeP(""), execute(""), sync},
			"1 E(ERROR 22012: it failed) Z(I)", "auto: select none\ndescribe: select none"},
		{"Parse alone asks", msgs{parse("", "select bad"), sync}, "E(ERROR 42703@8: it failed) Z(I)", "describe: select bad\ndescribe: select bad"},
		{"an error of ours comes behind Parse's", msgs{parse("", "select bad"), bind("", "nope"), sync}, "E(ERROR 42703@8: it failed) Z(I)", "describe: select bad\ndescribe: select bad"},
		{"two statements in one", msgs{parse("", "select 1; select 2"), sync},
			"E(ERROR 42601: cannot insert multiple commands into a prepared statement) Z(I)", ""},
		{"parameters are counted", msgs{parse("", "select $2"), bind("", "", "1"), sync},
			`1 E(ERROR 08P01: bind message supplies 1 parameters, but prepared statement "" requires 2) Z(I)`, "describe: select $2"},
		{"Describe of a statement", msgs{parse("", "select 1"), &pgproto3.Describe{ObjectType: 'S'}, sync},
			"1 t(0) T(v) Z(I)", "describe: select 1"},
		{"Describe of a statement and its execution in one cycle", msgs{parse("", "select $1"), &pgproto3.Describe{ObjectType: 'S'}, bind("", "", "a"), execute(""), sync},
			"1 t(1) T(v) 2 D(WITH pin_ AS (SELECT $1::pg_catalog.text) select $1) C(SELECT 1) Z(I)", "describe: select $1\ntypes\nauto: WITH pin_ AS (SELECT $1::pg_catalog.text) select $1 <a>"},
		{"a Describe that nothing executes", msgs{parse("", "select 1"), bind("", ""), describeP(""), sync},
			"1 2 T(v) Z(I)", "describe: select 1"},
		{"a Describe before another Parse", msgs{parse("", "select 1"), bind("p", ""), describeP("p"), parse("", "select 2"), execute("p"), sync},
			"1 2 T(v) 1 D(select 1) C(SELECT 1) Z(I)", "describe: select 1\ndescribe: select 2\nauto: select 1"},
		{"unknown is not declared", msgs{&pgproto3.Parse{Query: "select $1", ParameterOIDs: []uint32{705}}, sync}, "1 Z(I)", "describe: select $1"},
		{"binary results", msgs{parse("", "select 1"), &pgproto3.Bind{ResultFormatCodes: []int16{1}}, sync},
			"1 E(ERROR 0A000: the binary format of results is not supported by pgturnstile) Z(I)", "describe: select 1"},
		{"a row limit", msgs{parse("", "select 1"), bind("", ""), &pgproto3.Execute{MaxRows: 1}, sync},
			"1 2 E(ERROR 0A000: a row limit in Execute (max_rows) is not supported by pgturnstile) Z(I)", "describe: select 1"},
		{"a row limit without rows", msgs{parse("", "delete from t"), bind("", ""), &pgproto3.Execute{MaxRows: 1}, sync},
			"1 2 C(DELETE 1) Z(I)", "auto: delete from t"},
		{"text that is not UTF-8", msgs{parse("", "select $1"), bind("", "", "\xff"), sync},
			`1 E(ERROR 22021: invalid byte sequence for encoding "UTF8": 0xff) Z(I)`, "describe: select $1"},
		{"a block in one pipeline", msgs{parse("", "begin"), bind("", ""), execute(""), parse("", "insert into t values (1)"), bind("", ""), execute(""),
			parse("", "commit"), bind("", ""), execute(""), sync},
			"1 2 C(BEGIN) 1 2 C(INSERT 0 1) 1 2 C(COMMIT) Z(I)", "tx: insert into t values (1)"},
		{"a block that would stay open", msgs{parse("", "begin"), bind("", ""), execute(""), sync},
			"E(ERROR 0A000: a transaction block that stays open after its query is not supported by pgturnstile) Z(I)", ""},
		{"Close", msgs{parse("a", "select 1"), &pgproto3.Close{ObjectType: 'S', Name: "a"}, &pgproto3.Close{ObjectType: 'P', Name: "x"}, bind("", "a"), sync},
			`1 3 3 E(ERROR 26000: prepared statement "a" does not exist) Z(I)`, "describe: select 1"},
		{"a Query ends the pipeline before it", msgs{parse("", "insert into t values (1)"), bind("", ""), execute(""), &pgproto3.Query{String: "select 1"}},
			"1 2 C(INSERT 0 1) T(v) D(select 1) C(SELECT 1) Z(I)", "tx: insert into t values (1) | select 1"},
		{"COPY messages are left over", msgs{&pgproto3.CopyDone{}, &pgproto3.CopyFail{}, sync}, "Z(I)", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := connect(t, &scripted{results: map[string]result{"select bad": {err: failing("42703", 8)}, "select none": {err: failing("22012", 0)}}})
			c.send(tc.send...)
			if got := c.cycle(); got != tc.want {
				t.Errorf("answer\n got %s\nwant %s", got, tc.want)
			}
			if sent := strings.Join(c.up.sent(), "\n"); sent != tc.sent {
				t.Errorf("sent\n got %s\nwant %s", sent, tc.sent)
			}
		})
	}
}

func TestStatementsOutliveSync(t *testing.T) {
	c := connect(t, &scripted{results: map[string]result{"select bad": {err: failing("42703", 8)}, "select none": {err: failing("22012", 0)}}})
	steps := []struct {
		send []pgproto3.FrontendMessage
		want string
	}{
		{[]pgproto3.FrontendMessage{parse("a", "select 1"), &pgproto3.Sync{}}, "1 Z(I)"},
		{[]pgproto3.FrontendMessage{bind("", "a"), execute(""), &pgproto3.Sync{}}, "2 D(select 1) C(SELECT 1) Z(I)"},
		{[]pgproto3.FrontendMessage{execute(""), &pgproto3.Sync{}}, `E(ERROR 34000: portal "" does not exist) Z(I)`},
		{[]pgproto3.FrontendMessage{parse("a", "select 2"), &pgproto3.Sync{}}, `E(ERROR 42P05: prepared statement "a" already exists) Z(I)`},
		{[]pgproto3.FrontendMessage{parse("b", "select bad"), bind("", "b"), execute(""), &pgproto3.Sync{}}, "E(ERROR 42703@8: it failed) Z(I)"},
		{[]pgproto3.FrontendMessage{bind("", "b"), &pgproto3.Sync{}}, `E(ERROR 26000: prepared statement "b" does not exist) Z(I)`},
		{[]pgproto3.FrontendMessage{parse("c", "select none"), bind("", "c"), execute(""), &pgproto3.Sync{}}, "1 E(ERROR 22012: it failed) Z(I)"},
		{[]pgproto3.FrontendMessage{bind("", "c"), &pgproto3.Sync{}}, "2 Z(I)"},
		{[]pgproto3.FrontendMessage{&pgproto3.Query{String: "deallocate c"}}, "C(DEALLOCATE) Z(I)"},
		{[]pgproto3.FrontendMessage{bind("", "c"), &pgproto3.Sync{}}, `E(ERROR 26000: prepared statement "c" does not exist) Z(I)`},
	}
	for i, st := range steps {
		c.send(st.send...)
		if got := c.cycle(); got != st.want {
			t.Errorf("step %d: got %s, want %s", i, got, st.want)
		}
	}
}

func TestFlushAnswers(t *testing.T) {
	c := connect(t, &scripted{})
	c.send(parse("", "select 1"), bind("", ""), describeP(""), execute(""), &pgproto3.Flush{})
	if got := c.until("C(SELECT 1)"); got != "1 2 T(v) D(select 1) C(SELECT 1)" {
		t.Error(got)
	}
	c.send(parse("", "insert into t values (1)"), bind("", ""), execute(""), &pgproto3.Flush{})
	if got := c.until("C(INSERT 0 1)"); got != "1 2 C(INSERT 0 1)" {
		t.Error(got)
	}
	c.send(bind("", ""), execute(""), &pgproto3.Sync{})
	if got := c.cycle(); got != "2 E(ERROR 0A000: a second Execute in a pipeline after a write that was answered at Flush is not supported by pgturnstile (A statement of this pipeline that was answered at Flush has been committed.)) Z(I)" {
		t.Error(got)
	}
	want := "tx ro: select 1\nauto: insert into t values (1)"
	if got := strings.Join(c.up.sent(), "\n"); got != want {
		t.Errorf("sent %s, want %s", got, want)
	}
}

// A function may write and catch the error of a READ ONLY transaction: it would not have written, and nobody would know.
func TestFlushOfACallIsNoReadOnlyTransaction(t *testing.T) {
	c := connect(t, &scripted{})
	c.send(parse("", "select quiet_add('x')"), bind("", ""), execute(""), &pgproto3.Flush{})
	c.until("C(SELECT 1)")
	c.send(bind("", ""), execute(""), &pgproto3.Sync{})
	if got := c.cycle(); !strings.HasPrefix(got, "2 E(ERROR 0A000: a second Execute") {
		t.Error(got)
	}
	if got := strings.Join(c.up.sent(), "\n"); got != "auto: select quiet_add('x')" {
		t.Error(got)
	}
}

func TestFlushOfAReadThatWrites(t *testing.T) {
	up := &scripted{}
	up.run = func(_ context.Context, req *upstream.Request) (bool, error) {
		return req.ReadOnly, failing(pgerr.ReadOnlySQLTransaction, 0)
	}
	c := connect(t, up)
	c.send(parse("", "select * from view"), bind("", ""), execute(""), &pgproto3.Flush{}, &pgproto3.Sync{})
	if got := c.cycle(); got != "1 2 D(select * from view) C(SELECT 1) Z(I)" {
		t.Error(got)
	}
	if got := strings.Join(up.sent(), "\n"); got != "tx ro: select * from view\nauto: select * from view" {
		t.Error(got)
	}
}

func TestPipelineIsBounded(t *testing.T) {
	c := connect(t, &scripted{}, func(o *Options) { o.Route.MaxRequest = 10_000 })
	var msgs []pgproto3.FrontendMessage
	msgs = append(msgs, parse("a", "select $1"))
	for range 100 {
		msgs = append(msgs, bind("", "a", "x"), execute(""))
	}
	c.send(append(msgs, &pgproto3.Sync{})...)
	const want = "E(ERROR 54000: the statements of one transaction would take more than 10000 bytes (What had not been answered yet was not run.)) Z(I)"
	if got := c.cycle(); got != want {
		t.Error(got)
	}
	if sent := c.up.sent(); len(sent) != 0 {
		t.Errorf("sent %v", sent)
	}
}
