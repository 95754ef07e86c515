package plan

import (
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/pgturnstile/pgturnstile/proxy/sqlscan"
)

// TestHostileStatementTakesLinearTime repeats what a careless classifier would look ahead over again and again, or
// recurse into. Quadratic time would take minutes for each, unbounded recursion ends the process.
func TestHostileStatementTakesLinearTime(t *testing.T) {
	const size = 64 << 10
	defer debug.SetMaxStack(debug.SetMaxStack(4 << 20))
	for _, head := range []string{"", "select ", "with a as (select 1) select ", "explain ", "create table ", "alter table ", "set application_name = ", "begin ",
		"execute p(", "prepare p as select ", "prepare p (", "set ", "set transaction ", "set constraints ", "reset "} {
		for _, part := range []string{
			"(", "explain ", "explain (analyze) ", "explain analyze verbose ", "with a as (", "with recursive a as not materialized (", "(with a as (select ",
			"a.", "a. ", "a, ", "x.y.", "read only, ", "isolation level serializable ", "set local ", "set session ", "session session ", "create or replace ",
			"into temp ", "into ", "for update ", "current_setting(", "current_setting('", "current_setting('a'||", "set_config ", `U&"a" uescape '!' `, `U&"a" uescape `,
			"search depth first by ", "cycle ", "as ", "; ", ";", "/**/ ;", "'x', ", "1, ", "+ ", "union ", "savepoint ", "work ", "temp ", "unlogged ", "concurrently ",
			"set_config(", "set_config('a.b', 'c', ", "set_config('a.b', 'c', true), ", "set_config((", "set_config(a.", "$1.", "pg_settings.",
			"'x'::text", "cast(", "execute p(", "prepare p as ", "prepare p as select set_config(", "zone ", "names ", "-1, ", "0x1f, ",
			"case ", "end ", "begin atomic ", "create function f() begin atomic ", ")", "]", "[",
		} {
			text := head + strings.Repeat(part, size/len(part))
			start := time.Now()
			p := Classify(sqlscan.Statement{Text: text}, options)
			Tag(p, text, strings.ToUpper(strings.TrimSpace(head)), 1, true)
			if took := time.Since(start); took > 3*time.Second {
				t.Errorf("%q and %q: %v", head, part, took)
			}
		}
	}
}
