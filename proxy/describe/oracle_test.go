package describe_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pgturnstile/pgturnstile/proxy/catalog"
	"github.com/pgturnstile/pgturnstile/proxy/describe"
	"github.com/pgturnstile/pgturnstile/proxy/devstack/postgres"
	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/plan"
	"github.com/pgturnstile/pgturnstile/proxy/sqlscan"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// corpus reads a file of one statement on a line.
func corpus(t testing.TB, name string, version int) []string {
	t.Helper()
	var list []string
	for _, line := range lines(t, name) {
		if min, rest, ok := strings.Cut(line, "|"); ok && len(min) == 2 {
			if n, err := strconv.Atoi(min); err == nil {
				if n > version {
					continue
				}
				line = rest
			}
		}
		list = append(list, strings.ReplaceAll(line, `\n`, "\n"))
	}
	return list
}

func lines(t testing.TB, name string) []string {
	t.Helper()
	f, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var list []string
	for s := bufio.NewScanner(f); s.Scan(); {
		if line := s.Text(); line != "" && !strings.HasPrefix(line, "#") {
			list = append(list, line)
		}
	}
	return list
}

// query makes a Query as a session does.
func query(sql string, oids []uint32) describe.Query {
	q := describe.Query{Text: sql, Declared: oids, StandardConforming: true, Plan: plan.Plan{Kind: plan.Empty, Verb: plan.VerbOther}}
	if parts := sqlscan.Split(nil, sql, true); len(parts) > 0 {
		q.Plan = plan.Classify(parts[0], plan.Options{StandardConforming: true, Role: "reader"})
	}
	return q
}

// tell is the answer of a Describer in the oracle's terms.
func tell(ctx context.Context, d *describe.Describer, ask catalog.Asker, q describe.Query) told {
	answer, err := d.Describe(ctx, ask, q)
	if err != nil {
		e := pgerr.From(err)
		return told{err: &pgerr.Error{Code: e.Code, Message: e.Message, Detail: e.Detail, Hint: e.Hint, Position: e.Position}}
	}
	if answer.Err != nil {
		return told{params: answer.Params, err: &pgerr.Error{Code: answer.Err.Code, Message: "at Describe: " + answer.Err.Message}}
	}
	return told{params: append([]uint32{}, answer.Params...), fields: append([]upstream.Field(nil), answer.Fields...), rows: answer.Rows}
}

// parametrised puts $1, $2 ... in the place of literals, behind the parameters that sql has.
func parametrised(sql string) string {
	next := 0
	for _, part := range sqlscan.Split(nil, sql, true) {
		next = max(next, part.MaxParam)
	}
	var b strings.Builder
	pos := 0
	s := sqlscan.New(sql, true)
	for t, ok := s.Next(); ok; t, ok = s.Next() {
		if t.Kind == sqlscan.Number || t.Kind == sqlscan.String {
			next++
			fmt.Fprintf(&b, "%s$%d", sql[pos:t.Start], next)
			pos = t.End
		}
	}
	return b.String() + sql[pos:]
}

// otherTypes are types that a client may declare in the place of those that Postgres infers.
func otherTypes(oids []uint32) []uint32 {
	other := make([]uint32, len(oids))
	for i, oid := range oids {
		switch oid {
		case 23: // int4
			other[i] = 20
		case 25: // text
			other[i] = 1043
		case 1700: // numeric
			other[i] = 701
		default:
			other[i] = 25
		}
	}
	return other
}

// variant is a statement with types declared for it.
type variant struct {
	name, sql string
	oids      []uint32
}

// variants gives the four forms of a statement. What is inferred is the oracle's word.
func variants(t testing.TB, o *oracle, sql string) []variant {
	list := []variant{{"as written", sql, nil}}
	p := parametrised(sql)
	if p != sql {
		list = append(list, variant{"literals as parameters", p, nil})
	}
	if inferred := o.describe(t, p, nil); len(inferred.params) > 0 {
		n := len(inferred.params)
		list = append(list, variant{"declared same", p, inferred.params}, variant{"declared other", p, otherTypes(inferred.params)},
			variant{"declared in part", p, append(make([]uint32, n-1), inferred.params[n-1])},
			variant{"one more declared", p, append(append([]uint32{}, inferred.params...), 16)})
	}
	return list
}

// accepted reads the differences that stand, by variant and statement.
func accepted(t testing.TB) map[string]string {
	list := map[string]string{}
	for _, line := range lines(t, "differences.tsv") {
		parts := strings.Split(line, "\t")
		if len(parts) != 3 {
			t.Fatalf("differences.tsv: %q", line)
		}
		list[parts[0]+"\t"+strings.ReplaceAll(parts[1], `\n`, "\n")] = parts[2]
	}
	return list
}

func TestAgainstPostgres(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	o := newOracle(t, postgres.Superuser)
	ask := newAsker(t, postgres.Superuser)
	types := catalog.NewTypes(time.Hour, 10000)
	d := describe.New(nil, types, describe.Options{})
	differ := accepted(t)
	before := state(t)
	count, same, once, right := 0, 0, 0, 0
	for _, file := range []string{"queries.sql", "changes.sql", "wrong.sql"} {
		for _, sql := range corpus(t, file, o.version) {
			for _, v := range variants(t, o, sql) {
				want := o.describe(t, v.sql, v.oids)
				ask.requests()
				got := tell(ctx, d, ask, query(v.sql, v.oids))
				asked := ask.requests()
				count++
				if want.err == nil {
					right++
					if asked <= 1 {
						once++
					} else if testing.Verbose() {
						t.Logf("%d requests: %s: %s", asked, v.name, v.sql)
					}
				}
				reason := differ[v.name+"\t"+sql]
				switch equal := reflect.DeepEqual(got, want); {
				case equal && reason != "":
					t.Errorf("%s: %s\nis the same as on Postgres, but listed: %s", v.name, v.sql, reason)
				case equal:
					same++
				case reason == "":
					t.Errorf("%s: %s\n got %s\nwant %s", v.name, v.sql, show(got), show(want))
				}
			}
		}
	}
	t.Logf("%d statements, %d the same; of %d that are right, %d took one request", count, same, right, once)
	if count < 1600 {
		t.Errorf("%d statements are too few", count)
	}
	if after := state(t); after != before {
		t.Errorf("the database is\n%s\nand was\n%s", after, before)
	}
}

// show prints an answer.
func show(d told) string {
	if d.err != nil {
		return fmt.Sprintf("%v %s at %d %q %q", d.params, d.err.Code+": "+d.err.Message, d.err.Position, d.err.Detail, d.err.Hint)
	}
	return fmt.Sprintf("%v rows=%v %v", d.params, d.rows, d.fields)
}

// state is all that statements could have changed in the database.
func state(t testing.TB) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	conn := connect(t, postgres.Superuser)
	defer conn.Close(ctx)
	results, err := conn.Exec(ctx, `SELECT string_agg(sequencename || ' ' || coalesce(last_value::text, '-'), ',' ORDER BY 1) FROM pg_sequences;
		SELECT count(*) || ' relations' FROM pg_class; SELECT count(*) || ' functions' FROM pg_proc; SELECT count(*) || ' types' FROM pg_type;
		SELECT string_agg(c.relname || ' ' || (xpath('/row/n/text()', query_to_xml(format('SELECT md5(string_agg(x::text, chr(10) ORDER BY x::text)) AS n FROM %s x', c.oid::regclass), true, true, '')))[1]::text, ',' ORDER BY c.relname)
		FROM pg_class c WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace;
		SELECT count(*) || ' locks' FROM pg_locks WHERE locktype = 'advisory'`).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, r := range results {
		fmt.Fprintf(&b, "%s\n", r.Rows[0][0])
	}
	return b.String()
}
