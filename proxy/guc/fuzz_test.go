package guc

import (
	"testing"

	"github.com/pgturnstile/pgturnstile/proxy/plan"
	"github.com/pgturnstile/pgturnstile/proxy/sqlscan"
)

// FuzzSettings sends any text through a session: nothing panics, the bounds hold, a snapshot stays what it was, and who the
// user is cannot be set.
func FuzzSettings(f *testing.F) {
	for _, s := range []string{
		"SET work_mem = '8MB'; SET LOCAL a.b = 1; RESET ALL; RESET \"a..b\"; SET ROLE x; SET SESSION AUTHORIZATION DEFAULT",
		"SET application_name = 'x'; SET NAMES 'latin1'; SET extra_float_digits = 0; SET extra_float_digits FROM CURRENT",
		"SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY, DEFERRABLE; SET idle_session_timeout = '1.5 h'; SET TIME ZONE LOCAL",
		"SELECT set_config('a.b', $1, $2), set_config($1, 'x', false) FROM pg_settings; SELECT set_config(name, 'x', false) FROM pg_settings",
		"SET pg_session_jwt.jwt = 'x'; SET \"pg_session_jwt.jwt\" = 'x'; SELECT set_config($1, 'x', 'f')",
	} {
		f.Add(s, "x", "false")
	}
	f.Fuzz(func(t *testing.T, sql, first, second string) {
		s := Settings{}
		params := [][]byte{[]byte(first), []byte(second), nil}
		for _, st := range sqlscan.Split(nil, sql, s.StandardConforming(plain15)) {
			p := plan.Classify(st, plan.Options{StandardConforming: s.StandardConforming(plain15), Role: "authenticated"})
			before, key := s, s.Key(plain15)
			var step Step
			var failed bool
			switch {
			case p.Kind == plan.Set && p.Setting.Form != plan.TransactionModes && p.Setting.Form != plan.Snapshot && p.Setting.Form != plan.Constraints:
				group := s
				done, err := group.Apply(p.Setting, st.Text, plain15)
				step, failed = done, err != nil
			case p.Calls != nil:
				group := s
				_, _, done, err := group.Calls(p.Calls, st.Text, params, plain15)
				step, failed = done, err != nil
			}
			if failed {
				continue
			}
			if step.Done != nil {
				step.Done(&s)
			}
			for _, one := range step.Statements {
				_ = one.SQL.Back(3)
			}
			if step.Learn != nil {
				rows := []Pair{{"work_mem", &first}, {first, &second}, {second, nil}}
				if err := step.Learn(&s, rows); err == nil && s.full() != nil {
					t.Error("the bounds have been passed and nobody says so")
				}
			}
			if len(first)%2 == 0 {
				s.Commit()
			}
			for i := range s.entries {
				if isJWT(s.entries[i].key) {
					t.Errorf("%q is kept", s.entries[i].name)
				}
			}
			if before.Key(plain15) != key {
				t.Error("a snapshot has changed")
			}
			_, _, _ = s.Head(plain15, true)
			for range s.Reported(plain15) {
			}
		}
	})
}
