package guc

import (
	"strings"
	"testing"

	"github.com/pgturnstile/pgturnstile/proxy/plan"
	"github.com/pgturnstile/pgturnstile/proxy/wire"
)

func TestStartup(t *testing.T) {
	for _, tc := range []struct {
		name   string
		params []wire.Parameter
		show   string // name=value
		err    string // prefix of the error
	}{
		{"none", nil, "client_encoding=UTF8", ""},
		{"application name", []wire.Parameter{{Name: "application_name", Value: "psql"}}, "application_name=psql", ""},
		{"asyncpg's quoted encoding", []wire.Parameter{{Name: "client_encoding", Value: "'utf-8'"}}, "client_encoding=UTF8", ""},
		{"unicode", []wire.Parameter{{Name: "client_encoding", Value: "Unicode"}}, "client_encoding=UTF8", ""},
		{"another encoding", []wire.Parameter{{Name: "client_encoding", Value: "LATIN1"}}, "", `FATAL 0A000: client_encoding "LATIN1" is not supported`},
		{"float digits", []wire.Parameter{{Name: "extra_float_digits", Value: "2"}}, "extra_float_digits=2", ""},
		{"float digits 0", []wire.Parameter{{Name: "extra_float_digits", Value: "0"}}, "", "FATAL 0A000: extra_float_digits = 0 is not supported"},
		{"float digits out of range", []wire.Parameter{{Name: "extra_float_digits", Value: "4"}}, "",
			`FATAL 22023: 4 is outside the valid range for parameter "extra_float_digits" (-15 .. 3)`},
		{"a name in upper case", []wire.Parameter{{Name: "Client_Min_Messages", Value: "WARNING"}}, "client_min_messages=warning", ""},
		{"info is an alias of its own", []wire.Parameter{{Name: "client_min_messages", Value: "debug"}}, "client_min_messages=debug2", ""},
		{"any other", []wire.Parameter{{Name: "DateStyle", Value: "ISO"}}, "", `FATAL 0A000: setting "DateStyle" for a session is not supported`},
		{"what Neon's strings carry", []wire.Parameter{{Name: "channel_binding", Value: "require"}, {Name: "options", Value: "endpoint=ep-x project=y"}}, "client_encoding=UTF8", ""},
		{"-c", []wire.Parameter{{Name: "options", Value: `-c application_name=a\ b --client-min-messages=error`}}, "application_name=a b", ""},
		{"-c glued", []wire.Parameter{{Name: "options", Value: "-capplication_name=x"}}, "application_name=x", ""},
		{"a parameter goes before a switch", []wire.Parameter{{Name: "application_name", Value: "p"}, {Name: "options", Value: "-c application_name=o"}}, "application_name=p", ""},
		{"-c of another", []wire.Parameter{{Name: "options", Value: "-c pg_session_jwt.jwk=x"}}, "", `FATAL 0A000: setting "pg_session_jwt.jwk"`},
		{"--name of another", []wire.Parameter{{Name: "options", Value: "--search-path=x"}}, "", `FATAL 0A000: setting "search_path"`},
		{"another switch", []wire.Parameter{{Name: "options", Value: "-d 5"}}, "", `FATAL 0A000: the startup option "-d" is not supported`},
		{"-c without a word", []wire.Parameter{{Name: "options", Value: "-c"}}, "", "FATAL 42601: "},
		{"-c without a value", []wire.Parameter{{Name: "options", Value: "-c application_name"}}, "", `FATAL 42601: -c "application_name" requires a value`},
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
			name, want, _ := strings.Cut(tc.show, "=")
			if got, ok := s.Show(name); !ok || got != want {
				t.Errorf("%s is %q (%v), want %q", name, got, ok, want)
			}
		})
	}
}

func TestSetGoesBackToTheStartupValue(t *testing.T) {
	s, err := Startup([]wire.Parameter{{Name: "application_name", Value: "first"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Set(&plan.Setting{Name: "application_name", Value: "second", Values: 1}); err != nil {
		t.Fatal(err)
	}
	if got, _ := s.Show("application_name"); got != "second" {
		t.Errorf("after SET: %q", got)
	}
	if err := s.Set(&plan.Setting{Name: "application_name", Default: true}); err != nil {
		t.Fatal(err)
	}
	if got, _ := s.Show("application_name"); got != "first" {
		t.Errorf("after SET TO DEFAULT: %q", got)
	}
	for _, st := range []plan.Setting{
		{Name: "application_name", Value: "x", Values: 1, Local: true},
		{Name: "timezone", Value: "UTC", Values: 1},
	} {
		if err := s.Set(&st); err == nil || err.Code != "0A000" {
			t.Errorf("SET %+v: %v", st, err)
		}
	}
}

func TestNormalize(t *testing.T) {
	for _, tc := range []struct {
		version  int
		in, want string
	}{
		{150018, "bücher\t", "b??cher?"},
		{160000, "bücher\t", `b\xc3\xbccher\x09`},
		{150018, strings.Repeat("a", 62) + "ü", strings.Repeat("a", 62)},
		{150018, strings.Repeat("a", 70), strings.Repeat("a", 63)},
	} {
		s, err := Startup([]wire.Parameter{{Name: "application_name", Value: tc.in}})
		if err != nil {
			t.Fatal(err)
		}
		s.Normalize(tc.version)
		if got, _ := s.Show("application_name"); got != tc.want {
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
