package guc

import (
	"strings"
	"testing"
	"time"
)

// A statement of very many calls and much text between them takes no longer than its length asks for.
func TestManyCallsInALongText(t *testing.T) {
	for name, call := range map[string]string{
		"is_local is a parameter": "set_config('a.b', 'x', $1)", "an encoding": "set_config('client_encoding', 'UTF8', false)", "NULL for what the login gave": "set_config('work_mem', $1, true)",
		"search_path": "set_config('search_path', 'x', false)", "rows": "set_config(name, 'x', false)",
	} {
		text := "SELECT " + strings.Repeat(call+",", 999) + call + strings.Repeat(" + 1", 1<<20) + " FROM pg_settings"
		p, text := one(t, text)
		if p.Calls == nil || len(p.Calls.Assigns) != 1000 {
			t.Fatalf("%s: %d calls", name, len(p.Calls.Assigns))
		}
		s := Settings{reset: map[string]string{"work_mem": "8MB"}}
		began := time.Now()
		_, _, _, _ = s.Calls(p.Calls, text, [][]byte{nil}, plain15)
		if took := time.Since(began); took > 5*time.Second { // scanned for each call it would be minutes
			t.Errorf("%s: %s", name, took)
		} else {
			t.Log(name, took)
		}
	}
}
