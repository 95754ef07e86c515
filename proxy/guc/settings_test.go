package guc

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// apply plans one SET or RESET on a copy, as a group does.
func apply(t testing.TB, s *Settings, sql string) (Step, *pgerr.Error) {
	t.Helper()
	p, text := one(t, sql)
	if p.Setting == nil {
		t.Fatalf("%s is no SET", sql)
	}
	group := *s
	return group.Apply(p.Setting, text, plain15)
}

// set carries out a SET or RESET, with the rows that the server gives back as name, value.
func set(t testing.TB, s *Settings, sql string, answer ...string) Step {
	t.Helper()
	step, err := apply(t, s, sql)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	learn(t, s, step, answer...)
	return step
}

func learn(t testing.TB, s *Settings, step Step, answer ...string) {
	t.Helper()
	if step.Done != nil {
		step.Done(s)
	}
	if (step.Learn == nil) != (len(answer) == 0) {
		t.Fatalf("a step that reads %q gets the answer %q", step.Read.SQL, answer)
	}
	if step.Learn == nil {
		return
	}
	var rows []Pair
	for i := 0; i < len(answer); i += 2 {
		rows = append(rows, Pair{answer[i], &answer[i+1]})
	}
	if err := step.Learn(s, rows); err != nil {
		t.Fatal(err)
	}
}

func words(st upstream.Statement) string {
	var w []string
	for _, p := range st.Params {
		w = append(w, string(p))
	}
	return strings.Join(w, " ")
}

func expectHead(t testing.TB, s *Settings, want string) {
	t.Helper()
	st, ok, err := s.Head(plain15, false)
	if err != nil {
		t.Fatal(err)
	}
	if got := words(st); got != want || ok != (want != "") {
		t.Errorf("the head brings %q, want %q", got, want)
	}
	if (s.Key(plain15) == "") == ok || (s.First(plain15) == "") == ok {
		t.Errorf("key %q and first %q of head %q", s.Key(plain15), s.First(plain15), want)
	}
}

func TestStatementsOfASet(t *testing.T) {
	for _, tc := range []struct{ sql, want string }{
		{"SET work_mem = '8MB'", "SET LOCAL work_mem = '8MB'"},
		{"set  /* a */ session\n WORK_MEM to 8192", "set  /* a */  LOCAL\n WORK_MEM to 8192"},
		{"SET LOCAL work_mem = 1", "SET LOCAL work_mem = 1"},
		{"SET work_mem TO DEFAULT", "SET LOCAL work_mem TO DEFAULT"},
		{"SET work_mem FROM CURRENT", "SET LOCAL work_mem FROM CURRENT"},
		{"RESET work_mem", `SET LOCAL "work_mem" TO DEFAULT`},
		{`RESET a."B""c".d`, `SET LOCAL "a"."B""c"."d" TO DEFAULT`},
		{`RESET "a..b"`, `SET LOCAL "a..b" TO DEFAULT`},
		{"RESET TIME ZONE", `SET LOCAL "timezone" TO DEFAULT`},
		{"RESET SESSION AUTHORIZATION", `SET LOCAL "session_authorization" TO DEFAULT`},
		{"SET TIME ZONE LOCAL", "SET LOCAL TIME ZONE LOCAL"},
		{"SET ROLE x", "SET LOCAL ROLE x"},
		{"SET SESSION ROLE x", "SET  LOCAL ROLE x"},
		{"SET SESSION AUTHORIZATION DEFAULT", "SET LOCAL SESSION AUTHORIZATION DEFAULT"},
		{"SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY",
			"SELECT pg_catalog.set_config($1,$2,true), pg_catalog.set_config($3,$4,true)"},
	} {
		s := Settings{}
		step, err := apply(t, &s, tc.sql)
		if err != nil {
			t.Errorf("%s: %v", tc.sql, err)
			continue
		}
		if step.Done != nil || len(step.Statements) != 1 || step.Read.SQL == "" || step.Learn == nil {
			t.Errorf("%s: %+v", tc.sql, step)
			continue
		}
		if got := step.Statements[0].SQL.SQL(); got != tc.want {
			t.Errorf("%s is sent as %q, want %q", tc.sql, got, tc.want)
		}
		if step.NoEffect != strings.Contains(tc.sql, "SET LOCAL") {
			t.Errorf("%s: NoEffect is %v", tc.sql, step.NoEffect)
		}
	}
}

func TestErrorsPointToTheClientsWords(t *testing.T) {
	s := Settings{}
	step, err := apply(t, &s, "SET work_mem TO 'x'")
	if err != nil {
		t.Fatal(err)
	}
	// SET LOCAL work_mem: position 11 is the name.
	if got := step.Statements[0].SQL.Back(11); got != 5 {
		t.Errorf("position 11 goes back to %d", got)
	}
	if step, err = apply(t, &s, "RESET nosuch"); err != nil {
		t.Fatal(err)
	}
	if got := step.Statements[0].SQL.Back(11); got != 1 {
		t.Errorf("of a RESET it goes back to %d", got)
	}
}

func TestSessionAndTransactionValues(t *testing.T) {
	for _, tc := range []struct{ name, first, second, during, after string }{
		{"SET, SET LOCAL", "SET work_mem = '1MB'", "SET LOCAL work_mem = '2MB'", "work_mem 2MB", "work_mem 1MB"},
		{"SET LOCAL, SET", "SET LOCAL work_mem = '1MB'", "SET work_mem = '2MB'", "work_mem 2MB", "work_mem 2MB"},
		{"SET LOCAL alone", "SET LOCAL work_mem = '1MB'", "SET LOCAL work_mem = '2MB'", "work_mem 2MB", ""},
		{"SET, SET LOCAL to the default", "SET work_mem = '1MB'", "SET LOCAL work_mem = '4MB'", "", "work_mem 1MB"},
		{"SET, RESET", "SET work_mem = '1MB'", "RESET work_mem", "", ""},
		{"SET LOCAL, RESET", "SET LOCAL work_mem = '1MB'", "SET work_mem TO DEFAULT", "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := Settings{}
			for _, sql := range []string{tc.first, tc.second} {
				value := "4MB"
				if _, quoted, ok := strings.Cut(sql, "'"); ok {
					value = strings.Trim(quoted, "'")
				}
				set(t, &s, sql, "work_mem", value)
			}
			before := s
			expectHead(t, &s, tc.during)
			s.Commit()
			expectHead(t, &s, tc.after)
			expectHead(t, &before, tc.during)
		})
	}
}

func TestTheHeadRepeatsTheOrderOfAssignments(t *testing.T) {
	s := Settings{}
	set(t, &s, "SET work_mem = '1MB'", "work_mem", "1MB")
	set(t, &s, "SET ROLE reader", "role", "reader", "is_superuser", "off")
	set(t, &s, "SET datestyle = german", "datestyle", "German, DMY")
	set(t, &s, "SET work_mem = '2MB'", "work_mem", "2MB")
	expectHead(t, &s, "role reader DateStyle German, DMY work_mem 2MB")
	set(t, &s, "SET SESSION AUTHORIZATION other", "session_authorization", "other", "is_superuser", "off")
	expectHead(t, &s, "DateStyle German, DMY work_mem 2MB session_authorization other")
	set(t, &s, "SET ROLE NONE", "role", "none", "is_superuser", "off")
	expectHead(t, &s, "DateStyle German, DMY work_mem 2MB session_authorization other role none")
	set(t, &s, "RESET ALL", "datestyle", "ISO, MDY", "work_mem", "4MB")
	expectHead(t, &s, "session_authorization other role none")
	step := s.Discard(plain15)
	step.Done(&s)
	expectHead(t, &s, "")
}

func TestResetAllInTheMiddleOfAGroup(t *testing.T) {
	s := Settings{}
	for _, sql := range []string{"SET work_mem = '1MB'", "SET a.b = 1", "SET application_name = x"} {
		p, text := one(t, sql)
		step, err := s.Apply(p.Setting, text, plain15)
		if err != nil {
			t.Fatal(err)
		}
		if step.Done != nil {
			step.Done(&s)
		}
	}
	p, text := one(t, "RESET ALL")
	step, err := s.Apply(p.Setting, text, plain15)
	if err != nil {
		t.Fatal(err)
	}
	if len(step.Statements) != 1 || step.Statements[0].SQL.SQL() != "SELECT pg_catalog.set_config($1,NULL,true), pg_catalog.set_config($2,NULL,true)" || joined(step) != "work_mem a.b" {
		t.Errorf("sends %v", step.Statements)
	}
	if _, v, ok := s.Value("application_name", plain15); v != "" || !ok {
		t.Errorf("application_name is %q for the rest of the group", v)
	}
	if p, text = one(t, "RESET ALL"); p.Setting == nil {
		t.Fatal(text)
	}
	none := Settings{}
	if step, err := none.Apply(p.Setting, text, plain15); err != nil || step.Done == nil || len(step.Statements) > 0 {
		t.Errorf("RESET ALL of nothing: %+v, %v", step, err)
	}
}

func TestHeadForAStatementThatReadsSettings(t *testing.T) {
	s := Settings{}
	st, ok, err := s.Head(plain15, true)
	if err != nil || !ok || words(st) != "application_name " {
		t.Errorf("%q, %v, %v", words(st), ok, err)
	}
	set(t, &s, "SET idle_session_timeout = '5min'")
	set(t, &s, "SET extra_float_digits = 3")
	set(t, &s, "SET application_name = 'me'")
	set(t, &s, "SET tcp_keepalives_idle = 0")
	set(t, &s, "SET work_mem = '1MB'", "work_mem", "1MB")
	expectHead(t, &s, "work_mem 1MB")
	const here = "application_name me idle_session_timeout 5min extra_float_digits 3 tcp_keepalives_idle 7200"
	if st, _, err = s.Head(plain15, true); err != nil || words(st) != "work_mem 1MB "+here {
		t.Errorf("%q, %v", words(st), err)
	}
	if st, err = s.HereHead(plain15); err != nil || words(st) != here {
		t.Errorf("%q, %v", words(st), err)
	}
	group := s
	p, text := one(t, "SELECT set_config('application_name', 'new', false), set_config('idle_session_timeout', '1min', false)")
	if _, _, _, err := group.Calls(p.Calls, text, nil, plain15); err != nil {
		t.Fatal(err)
	}
	// What the group has just set is in force on the server already.
	if st, err = group.HereHead(plain15); err != nil || words(st) != "extra_float_digits 3 tcp_keepalives_idle 7200" {
		t.Errorf("behind set_config(): %q, %v", words(st), err)
	}
	set(t, &s, "SET NAMES 'latin1'")
	if _, _, err = s.Head(plain15, true); err == nil || err.Code != pgerr.FeatureNotSupported || !strings.Contains(err.Message, "LATIN1") {
		t.Errorf("with LATIN1: %v", err)
	}
	if s.Encoding() != "LATIN1" {
		t.Errorf("encoding %s", s.Encoding())
	}
}

func TestFloatDigitsLeaveAndComeBack(t *testing.T) {
	s := Settings{}
	if step, err := apply(t, &s, "SET extra_float_digits = 3"); err != nil || step.Done == nil {
		t.Errorf("from 1 to 3: %+v, %v", step, err)
	}
	set(t, &s, "SET extra_float_digits = 0", "extra_float_digits", "0")
	expectHead(t, &s, "extra_float_digits 0")
	step := set(t, &s, "SET extra_float_digits = 3", "extra_float_digits", "3")
	if step.Done != nil {
		t.Error("from 0 to 3 the server has to hear of it: the head has brought 0")
	}
	expectHead(t, &s, "")
	zero := fixed{version: 150018, settings: map[string][2]string{"extra_float_digits": {"extra_float_digits", "0"}}}
	p, text := one(t, "SET extra_float_digits = 1")
	if step, err := new(Settings).Apply(p.Setting, text, zero); err != nil || step.Done != nil {
		t.Errorf("where the default is 0: %+v, %v", step, err)
	}
}

func TestNumbersThatShowRounds(t *testing.T) {
	for _, tc := range []struct{ sql, shown, sent string }{
		{"SET random_page_cost = 1.23456789", "1.23457", "1.23456789"},
		{"SET random_page_cost = 1.5", "1.5", "1.5"},
		{"SET vacuum_cost_delay = '1.23456789'", "1.23457ms", "1.23456789"},
		{"SET work_mem = 8192", "8MB", "8MB"},
		{"SET random_page_cost = '4.00'", "4", "4"},
	} {
		s := Settings{}
		name := strings.Fields(tc.sql)[1]
		set(t, &s, tc.sql, name, tc.shown)
		expectHead(t, &s, name+" "+tc.sent)
	}
}

func TestTransactionDefaults(t *testing.T) {
	s := Settings{}
	set(t, &s, "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY",
		"default_transaction_isolation", "serializable", "default_transaction_read_only", "on")
	isolation, readOnly, deferrable := s.Transaction(plain15)
	if isolation != upstream.Serializable || readOnly == nil || !*readOnly || deferrable != nil {
		t.Errorf("%v, %v, %v", isolation, readOnly, deferrable)
	}
	set(t, &s, "SET default_transaction_isolation = 'read committed'", "default_transaction_isolation", "read committed")
	set(t, &s, "SET default_transaction_read_only = off", "default_transaction_read_only", "off")
	if isolation, readOnly, _ = s.Transaction(plain15); isolation != "" || readOnly != nil {
		t.Errorf("of the default's own values: %v, %v", isolation, readOnly)
	}
}

func TestRefusals(t *testing.T) {
	s := Settings{}
	for sql, want := range map[string]string{
		"SET client_encoding = 'klingon'":        `ERROR 22023: invalid value for parameter "client_encoding": "klingon"`,
		"SET NAMES 'mule_internal'":              `ERROR 0A000: invalid value for parameter "client_encoding": "mule_internal"`,
		"SET application_name = a, b":            "ERROR 22023: SET application_name takes only one argument",
		"SET idle_session_timeout = -1":          `ERROR 22023: -1 ms is outside the valid range for parameter "idle_session_timeout" (0 .. 2147483647)`,
		"SET client_min_messages = 'fatal'":      `ERROR 22023: invalid value for parameter "client_min_messages": "fatal"`,
		"SET LOCAL tcp_keepalives_count = '3ms'": `ERROR 22023: invalid value for parameter "tcp_keepalives_count": "3ms"`,
	} {
		if step, err := apply(t, &s, sql); err == nil || err.Error() != want || step.Done != nil || step.Statements != nil {
			t.Errorf("%s: %v, want %s", sql, err, want)
		}
	}
}

func TestBounds(t *testing.T) {
	s := Settings{}
	for i := range maxSettings {
		set(t, &s, fmt.Sprintf("SET a.n%d = 1", i), fmt.Sprintf("a.n%d", i), "1")
	}
	if _, err := apply(t, &s, "SET a.more = 1"); err == nil || err.Code != pgerr.ProgramLimitExceeded {
		t.Errorf("one more: %v", err)
	}
	set(t, &s, "SET a.n7 = 2", "a.n7", "2")
	big := Settings{}
	half := strings.Repeat("x", maxBytes/2)
	set(t, &big, "SET a.b = '"+half+"'", "a.b", half)
	if _, err := apply(t, &big, "SET a.c = '"+half+"'"); err == nil || err.Code != pgerr.ProgramLimitExceeded {
		t.Errorf("too large: %v", err)
	}
	set(t, &big, "SET a.b = 'x"+half+"'", "a.b", "x"+half)
	step, err := apply(t, &big, "SET a.c FROM CURRENT")
	if err != nil {
		t.Fatal(err)
	}
	if err := step.Learn(&big, []Pair{{"a.c", &half}}); err == nil || err.Code != pgerr.ProgramLimitExceeded {
		t.Errorf("what comes back is too large: %v", err)
	}
}

func TestNothingHereToBring(t *testing.T) {
	s := Settings{}
	p, text := one(t, "SELECT set_config('application_name', 'new', false)")
	if _, _, _, err := s.Calls(p.Calls, text, nil, plain15); err != nil {
		t.Fatal(err)
	}
	if st, err := s.HereHead(plain15); err != nil || st.SQL != "SELECT" || len(st.Params) > 0 {
		t.Errorf("%+v, %v", st, err)
	}
}
