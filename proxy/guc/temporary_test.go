package guc

import "testing"

func TestWhetherATemporaryObjectWouldBeCreated(t *testing.T) {
	for _, tc := range []struct {
		path string
		want bool
	}{
		{"", false}, {`""`, false}, {"public", false}, {`"$user", public`, false}, {"public, pg_temp", false}, {"a, b", false}, {"pg_tempest", true},
		{"pg_temp", true}, {"pg_temp, public", true}, {` PG_Temp `, true}, {`"pg_temp"`, true}, {`"PG_TEMP"`, false}, {"pg_temp_3", true}, {"not_there, pg_temp", true},
	} {
		s := &Settings{}
		set(t, s, "SET search_path = a", "search_path", tc.path)
		if got := s.CreatesTemporary(plain15); got != tc.want {
			t.Errorf("%s: %v", tc.path, got)
		}
	}
}

// Before the server has said what search_path is, the text that assigns it is all that is known.
func TestWhetherATemporaryObjectMayBeCreated(t *testing.T) {
	for _, tc := range []struct {
		sql    string
		params []string
		want   bool
	}{
		{"SET search_path = a, temperature", nil, false}, {"SET work_mem = 'pg_temp'", nil, false}, {"RESET search_path", nil, false},
		{"SET search_path = a, pg_TEMP", nil, true}, {`SET search_path = U&'pg\005ftemp'`, nil, true}, {"SET search_path = 'pg_'\n'temp'", nil, true}, {"SET SCHEMA 'pg_temp'", nil, true},
		{"SET LOCAL search_path = pg_temp", nil, true},
		{"SELECT set_config('search_path', '', false)", nil, false}, {"SELECT set_config('search_path', 'pg_temp', false)", nil, true},
		{"SELECT set_config('search_path', 'pg_' || 'temp', true)", nil, true}, {"SELECT set_config($1, $2, false)", []string{"search_path", "PG_TEMP"}, true},
		{"SELECT set_config($1, $2, false)", []string{"search_path", "a"}, false}, {"SELECT set_config(name, 'pg_temp', true) FROM pg_settings", nil, true},
	} {
		p, text := one(t, tc.sql)
		s := &Settings{}
		var err error
		if p.Setting != nil {
			if _, e := s.Apply(p.Setting, text, plain15); e != nil {
				err = e
			}
		} else {
			var params [][]byte
			for _, v := range tc.params {
				params = append(params, []byte(v))
			}
			if _, _, _, e := s.Calls(p.Calls, text, params, plain15); e != nil {
				err = e
			}
		}
		if got := s.CreatesTemporary(plain15); err != nil || got != tc.want {
			t.Errorf("%s: %v, %v", tc.sql, got, err)
		}
		if s.Commit(); s.CreatesTemporary(plain15) {
			t.Errorf("%s: after the transaction too", tc.sql)
		}
	}
}
