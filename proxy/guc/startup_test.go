package guc

import (
	"strings"
	"testing"

	"github.com/pgturnstile/pgturnstile/proxy/wire"
)

// plain15 is a route of version 15 with a few settings.
var plain15 = fixed{version: 150018, settings: map[string][2]string{
	"application_name":              {"application_name", ""},
	"client_encoding":               {"client_encoding", "UTF8"},
	"client_min_messages":           {"client_min_messages", "notice"},
	"datestyle":                     {"DateStyle", "ISO, MDY"},
	"default_transaction_isolation": {"default_transaction_isolation", "read committed"},
	"default_transaction_read_only": {"default_transaction_read_only", "off"},
	"extra_float_digits":            {"extra_float_digits", "1"},
	"idle_session_timeout":          {"idle_session_timeout", "0"},
	"is_superuser":                  {"is_superuser", "off"},
	"lock_timeout":                  {"lock_timeout", "0"},
	"role":                          {"role", "none"},
	"session_authorization":         {"session_authorization", "authenticated"},
	"standard_conforming_strings":   {"standard_conforming_strings", "on"},
	"tcp_keepalives_idle":           {"tcp_keepalives_idle", "7200"},
	"timezone":                      {"TimeZone", "GMT"},
	"work_mem":                      {"work_mem", "4MB"},
}}

// options makes one parameter of name, value, name, value.
func parameters(words ...string) []wire.Parameter {
	var out []wire.Parameter
	for i := 0; i < len(words); i += 2 {
		out = append(out, wire.Parameter{Name: words[i], Value: words[i+1]})
	}
	return out
}

func TestStartup(t *testing.T) {
	for _, tc := range []struct {
		name   string
		params []wire.Parameter
		show   string // name=value of a setting that is kept here
		asked  string // the parameters of the statement that the server is asked, joined
		err    string // prefix of the error
	}{
		{"none", nil, "client_encoding=UTF8", "", ""},
		{"application name", parameters("application_name", "psql"), "application_name=psql", "", ""},
		{"asyncpg's quoted encoding", parameters("client_encoding", "'utf-8'"), "client_encoding=UTF8", "", ""},
		{"unicode", parameters("client_encoding", "Unicode"), "client_encoding=UTF8", "", ""},
		{"another encoding", parameters("client_encoding", "Latin-1"), "client_encoding=LATIN1", "", ""},
		{"no encoding", parameters("client_encoding", "klingon"), "", "", `FATAL 22023: invalid value for parameter "client_encoding": "klingon"`},
		{"no encoding of Postgres'", parameters("client_encoding", "mule_internal"), "", "", `FATAL 0A000: invalid value for parameter "client_encoding": "mule_internal"`},
		{"float digits", parameters("extra_float_digits", "2"), "extra_float_digits=2", "", ""},
		{"float digits 0", parameters("extra_float_digits", "0"), "", "extra_float_digits 0", ""},
		{"float digits out of range are the server's to refuse", parameters("extra_float_digits", "4"), "", "extra_float_digits 4", ""},
		{"a name in upper case", parameters("Client_Min_Messages", "WARNING"), "client_min_messages=warning", "", ""},
		{"a level that is none", parameters("client_min_messages", "x"), "", "", `FATAL 22023: invalid value for parameter "client_min_messages": "x"`},
		{"a timeout", parameters("idle_session_timeout", "90s"), "idle_session_timeout=90s", "", ""},
		{"any other", parameters("DateStyle", "German", "TimeZone", "UTC"), "", "DateStyle German TimeZone UTC", ""},
		{"the default's own words", parameters("datestyle", "ISO, MDY", "TimeZone", "GMT"), "client_encoding=UTF8", "", ""},
		{"each of two values is validated", parameters("work_mem", "x", "work_mem", "4MB", "TimeZone", "GMT"), "", "work_mem x work_mem 4MB", ""},
		{"an unknown one", parameters("nosuch", "1", "a.b", "2"), "", "nosuch 1 a.b 2", ""},
		{"role", parameters("role", "x"), "", "", `FATAL 42501: permission denied to set parameter "role"`},
		{"session user", parameters("options", "-c Session-Authorization=x"), "", "", `FATAL 42501: permission denied to set parameter "session_authorization"`},
		{"what Neon's strings carry", parameters("channel_binding", "require", "options", "endpoint=ep-x project=y"), "client_encoding=UTF8", "", ""},
		{"-c", parameters("options", `-c application_name=a\ b --client-min-messages=error`), "application_name=a b", "", ""},
		{"-c glued", parameters("options", "-capplication_name=x"), "application_name=x", "", ""},
		{"a parameter goes before a switch", parameters("application_name", "p", "options", "-c application_name=o"), "application_name=p", "", ""},
		{"switches come first", parameters("work_mem", "2MB", "options", "-c work_mem=1MB --lock-timeout=3"), "", "work_mem 1MB lock_timeout 3 work_mem 2MB", ""},
		{"-c of the token", parameters("options", "-c pg_session_jwt.jwk=x"), "", "", `FATAL 42501: permission denied to set parameter "pg_session_jwt.jwk"`},
		{"the token by name", parameters("PG_Session_JWT.jwt", "x"), "", "", `FATAL 42501: permission denied to set parameter "PG_Session_JWT.jwt"`},
		{"another switch", parameters("options", "-d 5"), "", "", `FATAL 0A000: the startup option "-d" is not supported`},
		{"-c without a word", parameters("options", "-c"), "", "", "FATAL 42601: "},
		{"-c without a value", parameters("options", "-c application_name"), "", "", `FATAL 42601: -c application_name requires a value`},
		{"-- without a value", parameters("options", "--application_name"), "", "", `FATAL 42601: --application_name requires a value`},
		{"too many", func() (p []wire.Parameter) {
			for range maxSettings + 1 {
				p = append(p, wire.Parameter{Name: "a.b", Value: "1"})
			}
			return p
		}(), "", "", "FATAL 54000: a session can change at most 1000 settings"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, err := Startup(tc.params)
			if tc.err != "" {
				if err == nil || !strings.HasPrefix(err.Error(), tc.err) {
					t.Fatalf("error %v, want %s", err, tc.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			step, ok := s.StartupStep(plain15)
			if asked := joined(step); asked != tc.asked || ok != (asked != "") {
				t.Errorf("asks %q, want %q", asked, tc.asked)
			}
			if name, want, ok := strings.Cut(tc.show, "="); ok {
				if _, got, ok := s.Value(name, plain15); !ok || got != want {
					t.Errorf("%s is %q (%v), want %q", name, got, ok, want)
				}
			}
			if st, ok, err := s.Head(plain15, false); ok || err != nil {
				t.Errorf("head %q before the server was asked: %v", st.SQL, err)
			}
		})
	}
}

// joined are the parameters of a step's statements.
func joined(step Step) string {
	var words []string
	for _, st := range step.Statements {
		for _, p := range st.Params {
			words = append(words, string(p))
		}
	}
	return strings.Join(words, " ")
}

func TestStartupValuesAreWhatResetGoesBackTo(t *testing.T) {
	s, err := Startup(parameters("application_name", "first", "work_mem", "8192", "TimeZone", "GMT", "a.b", "1"))
	if err != nil {
		t.Fatal(err)
	}
	step, ok := s.StartupStep(plain15)
	if !ok || string(step.Read.Params[0]) != `{"work_mem","a.b"}` {
		t.Fatalf("asks %v and reads %s", step.Statements, step.Read.Params)
	}
	learn(t, s, step, "work_mem", "8MB", "a.b", "1")
	expectHead(t, s, "work_mem 8MB a.b 1")
	for _, sql := range []string{"SET work_mem = '1GB'", "SET application_name = x", "SET timezone = 'UTC'", "SET a.b = 2"} {
		switch sql {
		case "SET work_mem = '1GB'":
			set(t, s, sql, "work_mem", "1GB")
		case "SET timezone = 'UTC'":
			set(t, s, sql, "timezone", "UTC")
		case "SET a.b = 2":
			set(t, s, sql, "a.b", "2")
		default:
			set(t, s, sql)
		}
	}
	expectHead(t, s, "work_mem 1GB TimeZone UTC a.b 2")
	st := set(t, s, "RESET work_mem", "work_mem", "8MB")
	if got := joined(st); got != "work_mem 8MB" {
		t.Errorf("RESET asks %q", got)
	}
	st = set(t, s, "RESET ALL", "a.b", "1")
	if got := joined(st); got != "TimeZone GMT a.b 1 work_mem 8MB" {
		t.Errorf("RESET ALL asks %q", got)
	}
	expectHead(t, s, "work_mem 8MB a.b 1")
	if s.ApplicationName() != "first" {
		t.Errorf("application_name is %q", s.ApplicationName())
	}
}

func TestApplicationNameIsCutAndCleaned(t *testing.T) {
	for _, tc := range []struct {
		version  int
		in, want string
	}{
		{150018, "bücher\t", "b??cher?"},
		{160000, "bücher\t", `b\xc3\xbccher\x09`},
		{150018, strings.Repeat("a", 62) + "ü", strings.Repeat("a", 62)},
		{150018, strings.Repeat("a", 70), strings.Repeat("a", 63)},
	} {
		s, err := Startup(parameters("application_name", tc.in))
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := s.StartupStep(fixed{version: tc.version}); ok {
			t.Error("the server is asked")
		}
		if got := s.ApplicationName(); got != tc.want {
			t.Errorf("%q in version %d: %q, want %q", tc.in, tc.version, got, tc.want)
		}
	}
}

func FuzzOptions(f *testing.F) {
	for _, s := range []string{"-c a=b", `-c a=b\ c --x-y=z`, "endpoint=ep", "-c", `\`, "--=", "-c =x", " \t"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, options string) {
		switches, err := parseOptions(options)
		if err != nil && (err.Code == "" || err.Message == "") {
			t.Errorf("an error without a text: %+v", err)
		}
		for _, sw := range switches {
			if sw.name == "" || strings.Contains(sw.name, "-") || strings.Contains(sw.name, "=") {
				t.Errorf("name %q", sw.name)
			}
		}
	})
}
