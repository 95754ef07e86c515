package attacktable

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const goodTable = `# a comment
id	expect	reason	untested	description
9.9-one	28P01	malformed	-	one
9.9-two	28000	-	denylist	two
`

func TestParse(t *testing.T) {
	entries, err := parse("t", strings.NewReader(goodTable))
	if err != nil {
		t.Fatal(err)
	}
	want := []Entry{
		{ID: "9.9-one", Expect: "28P01", Reason: "malformed", Description: "one"},
		{ID: "9.9-two", Expect: "28000", Untested: "denylist", Description: "two"},
	}
	if len(entries) != 2 || entries[0] != want[0] || entries[1] != want[1] {
		t.Errorf("%+v, want %+v", entries, want)
	}
}

func TestParseFaults(t *testing.T) {
	for fault, line := range map[string]string{
		"want 5":           "9.9-x\t28P01\t-\t-",
		"empty or padded":  "9.9-x\t28P01\t\t-\tx",
		"a section number": "alg\t28P01\t-\t-\tx",
		"one of denylist":  "9.9-x\t28P01\t-\tlater\tx",
		"are needed":       "9.9-x\t-\t-\t-\tx",
		"is there twice":   "9.9-x\ta\t-\t-\tx\n9.9-x\ta\t-\t-\tx",
		"no entries":       "#",
		"t:2: ":            "nothing",
	} {
		if _, err := parse("t", strings.NewReader(header+"\n"+line+"\n")); err == nil || !strings.Contains(err.Error(), fault) {
			t.Errorf("%q: %v, want %q", line, err, fault)
		}
	}
	if _, err := parse("t", strings.NewReader("9.9-x\ta\t-\t-\tx")); err == nil || !strings.Contains(err.Error(), "first line") {
		t.Errorf("without a header: %v", err)
	}
}

func TestCheck(t *testing.T) {
	root := t.TempDir()
	write := func(path, text string) {
		t.Helper()
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("a/testdata/attacks-9.tsv", goodTable+"9.9-three\tclose\t-\t-\tthree\n9.9-four\tclose\t-\t-\tfour\n")
	write("a/a_test.go", "package a\n"+`
		var tests = attacktable.Tests{"9.9-one": nil, "9.9-stray": nil}
		func f() { attacktable.Covers(t, "testdata/attacks-9.tsv", "9.9-four"); other("9.9-three") }`)
	write("a/a.go", "package a\n"+`var not = attacktable.Tests{"9.9-three": nil}`)
	report, err := Check(root)
	if err != nil {
		t.Fatal(err)
	}
	if report.OK() {
		t.Error("OK although an entry has no test")
	}
	if len(report.Tested) != 2 || len(report.Untested) != 1 || len(report.Missing) != 1 || report.Missing[0].ID != "9.9-three" ||
		len(report.Stray) != 1 || report.Stray[0] != "9.9-stray" || len(report.Faults) != 0 {
		t.Errorf("%+v", report)
	}
	write("b/testdata/attacks-x.tsv", goodTable)
	if report, err = Check(root); err != nil || len(report.Faults) != 2 {
		t.Errorf("the same ids in two tables: %+v, %v", report, err)
	}
}
