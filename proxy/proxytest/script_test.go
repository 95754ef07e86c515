package proxytest

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"
)

func TestParseScript(t *testing.T) {
	s, err := ParseScript(`
# a comment
version 3.2
startup application_name "a b"
login
admin "create table t ()"
after "drop table t"

= first
Query "select 1"
await Z
= second
Parse "s" ` + "`select \"$1\"`" + ` (23 0)
Bind "p" "s" params ("a\x00b" NULL "") formats (0 1 0) results (1)
Describe S "s"
Execute "p" -1
message B "x"
bytes "\xff"
cancel
await Z
await end
`)
	if err != nil {
		t.Fatal(err)
	}
	if s.Major != 3 || s.Minor != 2 || !s.Login || len(s.Startup) != 1 || s.Startup[0].Value != "a b" || len(s.Admin) != 1 || len(s.After) != 1 {
		t.Errorf("head: %+v", s)
	}
	if len(s.Steps) != 2 || s.Steps[0].Title != "first" || s.Steps[1].Title != "second" {
		t.Fatalf("steps: %+v", s.Steps)
	}
	var want []byte
	for _, m := range []pgproto3.FrontendMessage{
		&pgproto3.Parse{Name: "s", Query: `select "$1"`, ParameterOIDs: []uint32{23, 0}},
		&pgproto3.Bind{DestinationPortal: "p", PreparedStatement: "s", Parameters: [][]byte{[]byte("a\x00b"), nil, {}},
			ParameterFormatCodes: []int16{0, 1, 0}, ResultFormatCodes: []int16{1}},
		&pgproto3.Describe{ObjectType: 'S', Name: "s"},
		&pgproto3.Execute{Portal: "p", MaxRows: 1<<32 - 1},
	} {
		if want, err = m.Encode(want); err != nil {
			t.Fatal(err)
		}
	}
	want = append(want, "B\x00\x00\x00\x05x\xff"...)
	actions := s.Steps[1].Actions
	var sent []byte
	for _, a := range actions[:6] {
		sent = append(sent, a.Send...)
	}
	if !bytes.Equal(sent, want) {
		t.Errorf("sends %q, want %q", sent, want)
	}
	if !actions[6].Cancel || actions[7].Await != 'Z' || !actions[8].End {
		t.Errorf("waits: %+v", actions[6:])
	}
}

func TestParseScriptRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                                     "0: the script does nothing",
		"Query \"x\"":                          `1: "Query" stands before the first step`,
		"=\n":                                  `1: the step's title "" is empty or not its own`,
		"= a\nawait Z\n= a\nawait Z":           `3: the step's title "a" is empty or not its own`,
		"= a\nQuery \"x\"":                     `0: the step "a" does not end with an await`,
		"= a\nQuery x\nawait Z":                `2: "x" does not start with a quoted string`,
		"= a\nQuery \"x\" y\nawait Z":          `2: "y" is too much`,
		"= a\nQuery\nawait Z":                  "2: a quoted string is missing",
		"= a\nNonsense\nawait Z":               `2: "Nonsense" is no message or directive`,
		"= a\nawait ZZ":                        `2: "ZZ" is not one byte`,
		"= a\nBind \"\" \"\" params (x)":       `2: "x" is neither a quoted string nor NULL`,
		"= a\nBind \"\" \"\" params (NULL":     "2: the list has no end",
		"= a\nBind \"\" \"\" formats (99999)":  `2: "99999" is no number of 16 bits`,
		"= a\nBind \"\" \"\" nonsense (99999)": `2: a Bind has params, formats and results, not "nonsense"`,
		"= a\nDescribe":                        "2: a word is missing",
		"= a\nmessage QQ \"\"":                 `2: "QQ" is not one byte`,
		"version three":                        "1: a version is like 3.2",
	} {
		_, err := ParseScript(text)
		if err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// Every file in testdata is one that some test reads: a script, or the accepted differences of one.
func TestScriptFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/*")
	if err != nil {
		t.Fatal(err)
	}
	scripts := 0
	for _, path := range files {
		switch filepath.Ext(path) {
		case ".wire":
			scripts++
			if s, err := ReadScript(path); err != nil {
				t.Error(err)
			} else if s.Name != strings.TrimSuffix(filepath.Base(path), ".wire") {
				t.Errorf("%s has the name %q", path, s.Name)
			}
		case ".accepted":
			if accepted, err := ReadAccepted(path); err != nil || len(accepted) == 0 {
				t.Errorf("%s: %d differences, %v", path, len(accepted), err)
			}
			if _, err := ReadScript(strings.TrimSuffix(path, ".accepted") + ".wire"); err != nil {
				t.Error(err)
			}
		case "", ".differences": // of generated sessions, each read by its test
		default:
			t.Errorf("nothing reads %s", path)
		}
	}
	if scripts == 0 {
		t.Error("there is no script")
	}
}
