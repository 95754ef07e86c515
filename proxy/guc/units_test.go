package guc

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// numbers are values of integers, written in all the ways that strtol, strtod and the units of guc.c tell apart.
func numbers() []string {
	list := []string{"", " ", "+", "-", "+5", "-5", "- 5", "5", " 5 ", "\t5\n", "05", "010", "08", "0x", "0x1f", "0X1F", "0xg", "-0x10", "0b1", "0o7",
		"1_000", "1.5", "2.5", "3.5", "-0.4", "-0.6", ".5", "5.", ".", "0.", "1e3", "1E3", "1e", "1e+", "1e-3", "e5", "1e400", "1e-400", "0e-400", "1.e2", ".e2",
		"0x1.8", "0x1.8p1", "0x.8", "0x1p3", "0x1.8p", "inf", "nan", "infinity", "2147483647", "2147483647.4", "2147483647.5", "2147483648", "-2147483648",
		"-2147483648.5", "99999999999", "9223372036854775807", "9223372036854775808", "99999999999999999999999", "0x7fffffff", "0xffffffff",
		"0xffffffffffffffffff", "017777777777", "5,6", "5 6", "on", "١", "5\u00a0", "1e3.5", "1d", "0xd", "0x1d", "4.9e-324", "2.2250738585072014e-308"}
	for _, u := range []string{"us", "ms", "s", "min", "h", "d", "MS", "msec", "m", "kB", "seconds"} {
		for _, n := range []string{"1", "0", "1.5", "-1", "0.0001", "90", "1.00001", "0x10", "010", "24", "25", "600", "1e3", "0.5"} {
			list = append(list, n+u, n+" "+u, n+u+" ", n+" "+u+" x")
		}
	}
	return list
}

// TestIntegersAreThoseOfPostgres sets each on the real server and here. The settings have min 0 and each of the base units.
func TestIntegersAreThoseOfPostgres(t *testing.T) {
	c := connect(t, realPostgres(t).DSN("postgres", "authenticated"))
	r := &route{t: t, conn: c, defaults: defaultsOf(t, c)}
	for _, in := range []struct {
		name string
		show bool // as it is; of a socket's options the server shows the socket's
	}{{"idle_in_transaction_session_timeout", true}, {"client_connection_check_interval", true}, {"tcp_keepalives_idle", false}, {"tcp_keepalives_count", false}, {"extra_float_digits", true}} {
		for _, n := range numbers() {
			if n != "" && !in.show && len(strings.TrimLeft(n, "-+0123456789")) == 0 && len(n) > 4 {
				continue // beyond what the kernel takes; the server says so in its log alone
			}
			sql := fmt.Sprintf("SET %s = '%s'", in.name, n)
			_, want := query2(t, c, sql, nil)
			text, err := canonicalHere(in.name, in.name, n, r.defaults)
			var got error
			if err != nil {
				got = err
			}
			if spoken(got) != spoken(want) {
				t.Errorf("%s: %q, want %q", sql, spoken(got), spoken(want))
				continue
			}
			if want != nil || !in.show {
				continue
			}
			if shown := shown(t, c, []string{in.name})[in.name]; shown != text {
				t.Errorf("%s shows %q, want %q", sql, text, shown)
			}
		}
		rows(t, c, "RESET "+in.name, nil)
	}
}

// TestSocketOptionsShowWhatTheSocketHas on a connection over TCP.
func TestSocketOptionsShowWhatTheSocketHas(t *testing.T) {
	c := connect(t, realPostgres(t).DSN("postgres", "authenticated"))
	d := defaultsOf(t, c)
	for name, values := range map[string][]string{
		"tcp_keepalives_idle": {"60", "1min", "0"}, "tcp_keepalives_interval": {"5", "0"}, "tcp_keepalives_count": {"3", "0"}, "tcp_user_timeout": {"3s", "0"},
	} {
		for _, v := range values {
			rows(t, c, fmt.Sprintf("SET %s = '%s'", name, v), nil)
			got, err := canonicalHere(name, name, v, d)
			if want := shown(t, c, []string{name})[name]; err != nil || got != want {
				t.Errorf("SET %s = '%s' shows %q (%v), want %q", name, v, got, err, want)
			}
		}
	}
}

// FuzzInteger: what is accepted is in range and shows as something that means the same.
func FuzzInteger(f *testing.F) {
	for _, n := range numbers() {
		f.Add(n)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, i := range []integer{{"a", "ms", 0, math.MaxInt32}, {"b", "s", -5, 100}, {"c", "", -15, 3}} {
			n, err := i.parse(i.name, text, 150000)
			if err != nil {
				if err.Code == "" || err.Message == "" {
					t.Errorf("%q: an error without a text: %+v", text, err)
				}
				continue
			}
			if n < i.min || n > i.max {
				t.Errorf("%q is %d", text, n)
			}
			if again, err := i.parse(i.name, i.show(n), 150000); err != nil || again != n {
				t.Errorf("%q is %d, which shows as %q, which is %d (%v)", text, n, i.show(n), again, err)
			}
		}
	})
}
