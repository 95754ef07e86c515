package sqlscan

import (
	"strings"
	"testing"
	"time"
)

var kindNames = map[Kind]string{Bad: "bad", Word: "word", QuotedIdent: "quoted", UIdent: "uident", String: "string",
	Number: "number", Param: "param", Operator: "op", Punct: "punct"}

// scan renders the tokens of sql as kind:text, a space between.
func scan(sql string, standardConforming bool) string {
	s := New(sql, standardConforming)
	var all []string
	for {
		t, ok := s.Next()
		if !ok {
			return strings.Join(all, " ")
		}
		all = append(all, kindNames[t.Kind]+":"+t.Text(sql))
	}
}

func TestScanner(t *testing.T) {
	for _, c := range []struct{ id, sql, want string }{
		{"empty", "", ""},
		{"blank", " \t\r\n\f\v", ""},
		{"words", "select Foo_1$ é", "word:select word:Foo_1$ word:é"},
		{"line comment", "a -- b\nc --d\re", "word:a word:c word:e"},
		{"line comment to the end", "a --", "word:a"},
		{"nested comment", "a/*b/*c*/d*/e", "word:a word:e"},
		{"comment of stars", "/***/a/****/b", "word:a word:b"},
		{"slash star slash is open", "a /*/", "word:a bad:/*/"},
		{"unterminated nested comment", "/* /* */", "bad:/* /* */"},

		{"string", "'a''b' ''", "string:'a''b' string:''"},
		{"two strings on a line", "'a' 'b'", "string:'a' string:'b'"},
		{"continued string", "'a'\n'b'", "string:'a'\n'b'"},
		{"continued over a line comment", "'a' -- c\n'b'", "string:'a' -- c\n'b'"},
		{"continued over several", "'a'--\n\n --'\r 'b''c'\n'd'", "string:'a'--\n\n --'\r 'b''c'\n'd'"},
		{"not continued over a block comment", "'a'\n/**/'b'", "string:'a' string:'b'"},
		{"continuation without an end", "'a'\n'b", "bad:'a'\n'b"},
		{"backslash is plain", `'\' a`, `string:'\' word:a`},
		{"unterminated string", "a 'b", "word:a bad:'b"},
		{"unterminated doubled", "'b''", "bad:'b''"},
		{"escape string", `E'\'' e'\\' a`, `string:E'\'' string:e'\\' word:a`},
		{"escape at the end", `E'a\`, `bad:E'a\`},
		{"escape of the closing quote", `E'a\'`, `bad:E'a\'`},
		{"escapes in the continuation", "E'a'\n'\\''", "string:E'a'\n'\\''"},
		{"an identifier that ends in e", "be'x'", "word:be string:'x'"},
		{"national string", "N'a''b'", "string:N'a''b'"},
		{"bit strings", "B'01' x'1f'", "string:B'01' string:x'1f'"},
		{"bit strings know no doubling", "b'0''1'", "string:b'0' string:'1'"},
		{"bit strings know no escapes", `X'\'`, `string:X'\'`},
		{"unicode string", `U&'\0061' u&'a''b'`, `string:U&'\0061' string:u&'a''b'`},
		{"unicode escape clause", "U&'a' UESCAPE '!'", "string:U&'a' word:UESCAPE string:'!'"},
		{"u and operator", "U& 'a' u&a", "word:U op:& string:'a' word:u op:& word:a"},

		{"quoted identifier", `"a""b" "a;b"`, `quoted:"a""b" quoted:"a;b"`},
		{"unicode identifier", `U&"a" uescape '!'`, `uident:U&"a" word:uescape string:'!'`},
		{"empty identifier", `"" a U&""`, `bad:"" word:a bad:U&""`},
		{"unterminated identifier", `a "b`, `word:a bad:"b`},

		{"dollar quotes", "$$a$$ $t$ $$ $u$ $t$", "string:$$a$$ string:$t$ $$ $u$ $t$"},
		{"dollar tag is case sensitive", "$a$ $A$ $a$", "string:$a$ $A$ $a$"},
		{"dollar quote ends at its tag only", "$a$ $ab$ $a $a$", "string:$a$ $ab$ $a $a$"},
		{"dollar tag of high bytes", "$é$x$é$", "string:$é$x$é$"},
		{"unterminated dollar quote", "$a$ b", "bad:$a$ b"},
		{"dollar alone", "$ $a $a b$", "punct:$ punct:$ word:a punct:$ word:a word:b$"},
		{"dollar in an identifier", "a$$b a$b$", "word:a$$b word:a$b$"},
		{"parameters", "$1 $23$4", "param:$1 param:$23 param:$4"},
		{"parameter with letters", "$1a", "bad:$1a"},

		{"numbers", "1 1. .5 1.5e10 1e-5 1E+5 00", "number:1 number:1. number:.5 number:1.5e10 number:1e-5 number:1E+5 number:00"},
		{"underscores", "1_000 .5_0 1e1_0", "number:1_000 number:.5_0 number:1e1_0"},
		{"other bases", "0x1F 0X_1 0o17 0b101", "number:0x1F number:0X_1 number:0o17 number:0b101"},
		{"range", "1..2 1...5", "number:1 punct:.. number:2 number:1 punct:.. number:.5"},
		{"two points", "1.2.3", "number:1.2 number:.3"},
		{"letters behind a number", "1a 1e 1.5x 0x 0b12 1_ 1__0", "bad:1a bad:1e bad:1.5x bad:0x bad:0b12 bad:1_ bad:1__0"},
		{"exponent without digits", "1e+ 2", "bad:1e+ number:2"},
		{"a dollar behind a number", "1$2 1e5$2 1_0$2", "number:1 param:$2 bad:1e5$2 bad:1_0$2"},

		{"operators", "a<=b c->>d @- e|/f", "word:a op:<= word:b word:c op:->> word:d op:@- word:e op:|/ word:f"},
		{"trailing minus", "a*-b =- +- <+-+", "word:a op:* op:- word:b op:= op:- op:+ op:- op:< op:+ op:- op:+"},
		{"trailing minus of an extended operator", "a@- b~+-", "word:a op:@- word:b op:~+-"},
		{"operator before comments", "a*--b\n+/*c*/-", "word:a op:* op:+ op:-"},
		{"operator of 63", strings.Repeat("@", 63), "op:" + strings.Repeat("@", 63)},
		{"operator of 64", strings.Repeat("@", 64), "bad:" + strings.Repeat("@", 64)},
		{"punctuation", "( ) [ ] , ; : . :: := ..", "punct:( punct:) punct:[ punct:] punct:, punct:; punct:: punct:. punct::: punct::= punct:.."},
		{"named argument", "a=>1", "word:a op:=> number:1"},
		{"characters of no token", `{ } \`, `punct:{ punct:} punct:\`},
		{"nul", "a\x00b", "word:a bad:\x00 word:b"},
	} {
		if got := scan(c.sql, true); got != c.want {
			t.Errorf("%s: %q is\n%s, want\n%s", c.id, c.sql, got, c.want)
		}
	}
}

func TestScannerWithoutStandardConformingStrings(t *testing.T) {
	for _, c := range []struct{ id, sql, want string }{
		{"backslash escapes", `'\'' a`, `string:'\'' word:a`},
		{"in a continuation", "'a'\n'\\''", "string:'a'\n'\\''"},
		{"national", `N'\''`, `string:N'\''`},
		{"bit strings as ever", `B'\'`, `string:B'\'`},
		{"identifiers as ever", `"\"`, `quoted:"\"`},
		{"dollar quotes as ever", `$$\$$`, `string:$$\$$`},
		{"unicode strings are refused", `U&'a' b`, `bad:U&'a' word:b`},
		{"unicode identifiers are not", `U&"a"`, `uident:U&"a"`},
	} {
		if got := scan(c.sql, false); got != c.want {
			t.Errorf("%s: %q is\n%s, want\n%s", c.id, c.sql, got, c.want)
		}
	}
}

// hostile are texts of n bytes and more on which a careless scanner takes quadratic time, recurses or allocates.
var hostile = map[string]func(n int) string{
	"open comments":        func(n int) string { return strings.Repeat("/*", n/2) },
	"nested comments":      func(n int) string { return strings.Repeat("/*", n/4) + strings.Repeat("*/", n/4) },
	"comment of operators": func(n int) string { return "/*" + strings.Repeat("+", n) + "*/" },
	"plus":                 func(n int) string { return strings.Repeat("+", n) },
	"star and plus":        func(n int) string { return strings.Repeat("*"+strings.Repeat("+-", 40)+" ", n/82) },
	"operator":             func(n int) string { return strings.Repeat("@", n) },
	"parentheses":          func(n int) string { return strings.Repeat("(", n) },
	"closing brackets":     func(n int) string { return strings.Repeat("]", n) },
	"dollar words":         func(n int) string { return strings.Repeat("$a ", n/3) },
	"long dollar word":     func(n int) string { return "$" + strings.Repeat("a", n) },
	"dollar tags":          func(n int) string { return "$a$" + strings.Repeat("$b$ ", n/4) },
	"long dollar tag":      func(n int) string { tag := "$" + strings.Repeat("a", n/4); return tag + "$" + tag + "b" + tag },
	"string and blanks":    func(n int) string { return "'a'" + strings.Repeat("\n", n) },
	"strings and blanks":   func(n int) string { return strings.Repeat("'a' \n\n\n\n\n\n ", n/11) },
	"strings and comments": func(n int) string { return strings.Repeat("'a'--\n /**/", n/11) },
	"quotes":               func(n int) string { return strings.Repeat("'", n) },
	"double quotes":        func(n int) string { return strings.Repeat(`"`, n) },
	"escapes":              func(n int) string { return "E'" + strings.Repeat(`\'`, n/2) },
	"number":               func(n int) string { return strings.Repeat("1_0", n/3) },
	"numbers and dollars":  func(n int) string { return strings.Repeat("1$1", n/3) },
	"semicolons":           func(n int) string { return strings.Repeat(";", n) },
	"statements":           func(n int) string { return strings.Repeat("é;", n/3) },
	"bodies": func(n int) string {
		return strings.Repeat("create function f() begin atomic ", n/33) + strings.Repeat(";end", n/33)
	},
	"uescape": func(n int) string { return strings.Repeat(`U&"a" uescape `, n/14) },
}

func hostileSize() int {
	if raceEnabled {
		return 1 << 20
	}
	return 4 << 20
}

// TestHostileTextTakesLinearTime would need hours if any of the texts took quadratic time.
func TestHostileTextTakesLinearTime(t *testing.T) {
	for name, text := range hostile {
		sql := text(hostileSize())
		for _, standardConforming := range []bool{true, false} {
			start := time.Now()
			n := len(Split(nil, sql, standardConforming))
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("%s: %d bytes, %d statements took %v", name, len(sql), n, took)
			}
		}
	}
}

func TestScannerAllocatesNothing(t *testing.T) {
	var dst []Statement
	for name, text := range hostile {
		sql := text(2000)
		dst = Split(dst[:0], sql, true)
		if n := testing.AllocsPerRun(10, func() { dst = Split(dst[:0], sql, true) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
