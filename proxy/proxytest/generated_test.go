package proxytest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// generator makes sessions of Queries and pipelines that end outside of a block, so that everything in them is kept exact.
type generator struct {
	r     *rand.Rand
	next  int  // a fresh key
	block bool // the text so far has a block open
}

// plain are statements that do not fail; %d is a key that no other statement has.
var plain = []string{
	"insert into w.g values (%d, 'a')", "insert into w.g values (%d, 'ä€😀') returning *", "insert into w.g values (%d) returning id, v as w",
	"select id, v from w.g order by id", "select count(*) from w.g", "select", "select 1 as a, null as b, '' as c /* %d */", "values (%d, 'x'), (2, 'y')",
	"update w.g set v = v || '%d' where id % 2 = 0", "delete from w.g where id % 7 = 0 returning id", "with x as (delete from w.g where id % 5 = 0 returning id) select count(*) from x",
	"/* %d */ table w.g order by 1 limit 1", "show application_name", "set application_name = 'app %d'", "set application_name to default",
	"show client_encoding", "show server_version", "unlisten *", "set client_min_messages = error", "set client_min_messages to default",
	"create table w.t%d (a int)", "explain (costs off) select 1", "truncate w.h", "insert into w.h select id from w.g", "select pg_catalog.count(*) as \"ö\" from w.h",
}

// wrong are statements that fail: when they run, or already in the parser, which sees a Query whole.
var wrong = []string{"select 1/0", "select 'ö', nope from w.g", "insert into w.g values (1), (1)", "insert into w.g select 1 from w.nope", "select 'x'::int",
	"selec 1", "select 1 frm w.g x", "insert into", "begin wrk", "commit and", "select 'ö' as \"ö\" frm x y", "create table w.u (a int,)"}

func (g *generator) statement() string {
	switch n := g.r.IntN(100); {
	case n < 6:
		return pick(g.r, ";", " ", "/* nothing */", "--\n")
	case n < 14 && !g.block:
		g.block = true
		return pick(g.r, "begin", "start transaction", "begin isolation level serializable", "begin read write", "BEGIN WORK")
	case n < 30 && g.block:
		g.block = false
		return pick(g.r, "commit", "end", "rollback", "abort", "commit work")
	case n < 36 && g.block:
		return pick(g.r, "savepoint a", "savepoint B", `savepoint "b"`)
	case n < 38:
		return pick(g.r, "rollback to savepoint a", "release a", `rollback to "b"`) // an error if there is none, or no block
	case n < 40 && !g.block:
		return pick(g.r, "commit", "rollback") // a warning
	case n < 44:
		return pick(g.r, wrong...)
	}
	s := pick(g.r, plain...)
	if strings.Contains(s, "%d") {
		g.next++
		s = strings.ReplaceAll(s, "%d", strconv.Itoa(g.next))
	}
	return s
}

func pick(r *rand.Rand, from ...string) string { return from[r.IntN(len(from))] }

// closed ends the open block.
func (g *generator) closed() string {
	if !g.block {
		return ""
	}
	g.block = false
	return pick(g.r, "commit", "rollback")
}

// script is a session of so many steps.
func (g *generator) script(steps int) string {
	var b strings.Builder
	b.WriteString("admin \"create table g (id int primary key, v text)\"\nadmin \"create table h (id int)\"\n")
	for i := range steps {
		fmt.Fprintf(&b, "= %d\n", i)
		if g.r.IntN(3) == 0 {
			g.pipeline(&b)
		} else {
			var parts []string
			for range 1 + g.r.IntN(5) {
				parts = append(parts, g.statement())
			}
			if end := g.closed(); end != "" {
				parts = append(parts, end)
			}
			fmt.Fprintf(&b, "Query %s\n", strconv.Quote(strings.Join(parts, pick(g.r, ";", "; ", " ;\n"))))
		}
		b.WriteString("await Z\n")
	}
	return b.String()
}

func (g *generator) pipeline(b *strings.Builder) {
	var parts []string
	for range 1 + g.r.IntN(4) {
		parts = append(parts, g.statement())
	}
	if end := g.closed(); end != "" {
		parts = append(parts, end)
	}
	for _, sql := range parts {
		fmt.Fprintf(b, "Parse \"\" %s\nBind \"\" \"\"\n", strconv.Quote(sql))
		if g.r.IntN(2) == 0 {
			b.WriteString("Describe P \"\"\n")
		}
		b.WriteString("Execute \"\" 0\n")
	}
	b.WriteString("Sync\n")
}

// savepointElsewhere refuses to go back to a savepoint of a failed block, which may or may not exist.
const savepointElsewhere = `ErrorResponse ERROR 0A000 "ROLLBACK TO SAVEPOINT in a later query`

// In a failed block nothing is sent, so nothing is parsed.
const (
	syntaxError = `ErrorResponse ERROR 42601 "syntax error at`
	aborted     = `ErrorResponse ERROR 25P02`
)

// sameButForErrors compares the transcripts of one step. They are equal, or both hold the same error and then what the proxy
// says before it is among what Postgres says before it: a failing batch comes without the results before the error, and a
// pipeline without ParseComplete and the like. blockUnsure is true if the sessions may be in different states from here on, in an
// accepted way: the error may have stood before the block that the proxy takes for failed.
func sameButForErrors(postgres, proxy []string) (same, blockUnsure bool) {
	if slices.Equal(postgres, proxy) {
		return true, false
	}
	isError := func(l string) bool { return strings.HasPrefix(l, "ErrorResponse") }
	p, q := slices.IndexFunc(postgres, isError), slices.IndexFunc(proxy, isError)
	if p >= 0 && q >= 0 && strings.HasPrefix(proxy[q], savepointElsewhere) {
		return true, true
	}
	if p >= 0 && q >= 0 && strings.HasPrefix(postgres[p], syntaxError) && strings.HasPrefix(proxy[q], aborted) {
		return true, true
	}
	if p < 0 || q < 0 || postgres[p] != proxy[q] {
		return false, false
	}
	rest := postgres[:p]
	for _, l := range proxy[:q] {
		i := slices.Index(rest, l)
		if i < 0 {
			return false, false
		}
		rest = rest[i+1:]
	}
	if slices.Equal(postgres[p+1:], proxy[q+1:]) {
		return true, false
	}
	return slices.Equal(postgres[p+1:], []string{"ReadyForQuery I"}) && slices.Equal(proxy[q+1:], []string{"ReadyForQuery E"}), true
}

// TestGeneratedSessions plays generated sessions to both sides: always the same few, or as many new ones as PROXYTEST_SESSIONS
// says. PROXYTEST_SEED repeats one.
func TestGeneratedSessions(t *testing.T) {
	s := startStack(t)
	sessions, first := 20, uint64(1)
	if n, err := strconv.Atoi(os.Getenv("PROXYTEST_SESSIONS")); err == nil {
		sessions, first = n, rand.Uint64()
	}
	if n, err := strconv.ParseUint(os.Getenv("PROXYTEST_SEED"), 10, 64); err == nil {
		sessions, first = 1, n
	}
	answered := 0
	for i := range sessions {
		seed := first + uint64(i)
		g := &generator{r: rand.New(rand.NewPCG(seed, 0)), next: 10}
		text := g.script(12)
		script, err := ParseScript(text)
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		postgres, proxy := s.sides(t, script)
		for n := range min(len(postgres), len(proxy)) {
			same, unsure := sameButForErrors(postgres[n].Lines, proxy[n].Lines)
			if !same {
				t.Errorf("seed %d, step %s:\n%s\nPostgres:\n%s\nproxy:\n%s", seed, postgres[n].Title, sectionOf(text, postgres[n].Title), indent(postgres[n].Lines), indent(proxy[n].Lines))
			}
			if !same || unsure {
				break // from here on the sessions are not in the same state
			}
			answered++
		}
	}
	if answered < sessions {
		t.Errorf("only %d steps of %d sessions were compared", answered, sessions)
	}
	t.Logf("%d steps compared, first seed %d", answered, first)
}

// sectionOf is the text of a script's step.
func sectionOf(text, title string) string {
	_, rest, _ := strings.Cut(text, fmt.Sprintf("= %s\n", title))
	rest, _, _ = strings.Cut(rest, "\n= ")
	return rest
}
