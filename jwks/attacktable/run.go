package attacktable

import (
	"maps"
	"testing"
)

// Tests are a table's tests by id. Write them as literals with literal ids: the command finds them in the source.
type Tests map[string]func(t *testing.T, e Entry)

// Run runs every entry of the table file as a subtest of its id. It fails if an entry has no test and says no reason for that, if it
// has both, if a test has no entry, and if a test skips itself.
func Run(t *testing.T, path string, parts ...Tests) {
	t.Helper()
	entries, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	tests := make(Tests)
	for _, part := range parts {
		for id, test := range part {
			if tests[id] != nil {
				t.Errorf("%s has two tests", id)
			}
			tests[id] = test
		}
	}
	run(t, entries, tests, true)
}

// RunPart is Run for a table whose tests are spread over packages: entries without a test here are left to the command.
func RunPart(t *testing.T, path string, tests Tests) {
	t.Helper()
	entries, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	run(t, entries, maps.Clone(tests), false)
}

// run empties tests.
func run(t *testing.T, entries []Entry, tests Tests, whole bool) {
	t.Helper()
	for _, e := range entries {
		test := tests[e.ID]
		delete(tests, e.ID)
		switch {
		case test == nil && e.Untested != "":
			if whole {
				t.Logf("%s is not tested: it needs %s", e.ID, e.Untested)
			}
		case test == nil:
			if whole {
				t.Errorf("%s has no test: %s", e.ID, e.Description)
			}
		case e.Untested != "":
			t.Errorf("%s has a test, although the table says that it needs %s", e.ID, e.Untested)
		default:
			t.Run(e.ID, func(t *testing.T) {
				defer func() {
					if t.Skipped() {
						t.Error("an attack's test must not be skipped")
					}
				}()
				test(t, e)
			})
		}
	}
	for id := range tests {
		t.Errorf("%s is tested and stands in no table", id)
	}
}

// Covers says that a test which [Run] does not call is the test of an entry, for those that need a whole stack of their own. It returns
// the entry, so that the test expects what the table says.
func Covers(t *testing.T, path, id string) Entry {
	t.Helper()
	entries, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.ID != id {
			continue
		}
		if e.Untested != "" {
			t.Errorf("%s has a test, although the table says that it needs %s", id, e.Untested)
		}
		return e
	}
	t.Fatalf("%s stands not in %s", id, path)
	return Entry{}
}
