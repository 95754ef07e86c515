package guc

import (
	"fmt"
	"testing"

	"github.com/pgturnstile/pgturnstile/proxy/plan"
	"github.com/pgturnstile/pgturnstile/proxy/sqlscan"
	"github.com/pgturnstile/pgturnstile/proxy/wire"
)

// benchValues are settings with values other than benchDefaults'.
var benchValues = [...][2]string{
	{"work_mem", "5MB"}, {"search_path", "app"}, {"DateStyle", "German, DMY"}, {"TimeZone", "Europe/Paris"}, {"IntervalStyle", "iso_8601"},
	{"statement_timeout", "5s"}, {"lock_timeout", "1s"}, {"random_page_cost", "1.1"}, {"bytea_output", "escape"}, {"app.tenant", "42"},
}

var benchDefaults Defaults = fixed{version: 170006, settings: map[string][2]string{
	"work_mem": {"work_mem", "4MB"}, "search_path": {"search_path", "public"}, "datestyle": {"DateStyle", "ISO, MDY"},
	"timezone": {"TimeZone", "GMT"}, "intervalstyle": {"IntervalStyle", "postgres"}, "statement_timeout": {"statement_timeout", "0"},
	"lock_timeout": {"lock_timeout", "0"}, "random_page_cost": {"random_page_cost", "4"}, "bytea_output": {"bytea_output", "hex"},
	"standard_conforming_strings": {"standard_conforming_strings", "on"}, "extra_float_digits": {"extra_float_digits", "1"},
	"is_superuser": {"is_superuser", "off"}, "session_authorization": {"session_authorization", "authenticated"},
	"scram_iterations": {"scram_iterations", "4096"}, "default_transaction_read_only": {"default_transaction_read_only", "off"},
}}

// benchSetting is what a SET says.
func benchSetting(b *testing.B, sql string) *plan.Setting {
	b.Helper()
	p := plan.Classify(sqlscan.Split(nil, sql, true)[0], plan.Options{StandardConforming: true, Role: "authenticated"})
	if p.Kind != plan.Set {
		b.Fatalf("%s is no SET", sql)
	}
	return p.Setting
}

// benchSettings are those of a session that has given its name and changed n settings.
func benchSettings(b *testing.B, n int) Settings {
	b.Helper()
	s, perr := Startup([]wire.Parameter{{Name: "application_name", Value: "bench"}})
	if perr != nil {
		b.Fatal(perr)
	}
	if step, needed := s.StartupStep(benchDefaults); needed {
		b.Fatalf("the server is to be asked %v", step.Statements)
	}
	for _, v := range benchValues[:n] {
		sql := "SET " + v[0] + " = '" + v[1] + "'"
		planned := *s
		step, perr := planned.Apply(benchSetting(b, sql), sql, benchDefaults)
		if perr != nil {
			b.Fatal(perr)
		}
		if perr := step.Learn(s, []Pair{{Name: v[0], Value: &v[1]}}); perr != nil {
			b.Fatal(perr)
		}
		s.Commit()
	}
	if head, _, perr := s.Head(benchDefaults, false); perr != nil || len(head.Params) != 2*n {
		b.Fatalf("the head of %d settings is %q", n, head.SQL)
	}
	for range s.Reported(benchDefaults) { // as at the end of a cycle
	}
	return *s
}

// BenchmarkSettings is what a statement costs here by how many settings the session has changed.
func BenchmarkSettings(b *testing.B) {
	for _, n := range []int{0, 1, 10} {
		s := benchSettings(b, n)
		for _, of := range []struct {
			name string
			call func()
		}{
			{"Head", func() { _, _, _ = s.Head(benchDefaults, false) }},
			{"Key", func() { s.Key(benchDefaults) }},
			{"Transaction", func() { s.Transaction(benchDefaults) }},
			{"StandardConforming", func() { s.StandardConforming(benchDefaults) }},
			{"Encoding", func() { s.Encoding() }},
			{"Reported", func() {
				for range s.Reported(benchDefaults) {
				}
			}},
		} {
			b.Run(fmt.Sprintf("%s/%d", of.name, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					of.call()
				}
			})
		}
	}
}

// BenchmarkApply is a SET from its statement to what was learned of it.
func BenchmarkApply(b *testing.B) {
	for _, n := range []int{0, 1, 10} {
		before := benchSettings(b, n)
		for _, set := range []string{"SET work_mem = '6MB'", "SET application_name = 'other'"} {
			st := benchSetting(b, set)
			value := "6MB"
			rows := []Pair{{Name: "work_mem", Value: &value}}
			b.Run(fmt.Sprintf("%s/%d", st.Name, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					planned, after := before, before
					step, err := planned.Apply(st, set, benchDefaults)
					if err != nil {
						b.Fatal(err)
					}
					if step.Learn == nil {
						step.Done(&after)
					} else if err := step.Learn(&after, rows); err != nil {
						b.Fatal(err)
					}
					after.Commit()
				}
			})
		}
	}
}
