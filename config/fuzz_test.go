package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// Whatever stands in a file: no panic, a report of bounded length without control characters, or a configuration that is
// valid and reads the same when it is printed.
func FuzzFile(f *testing.F) {
	names, err := filepath.Glob("testdata/*/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range append(names, samplePath) {
		content, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		if len(content) > 1<<16 {
			return
		}
		faults := &Faults{}
		c, err := load(withoutFiles(parseFile("fuzz.yaml", content, faults)), Source{}, faults)
		if err != nil {
			checkReport(t, err)
			return
		}
		printed, err := c.YAML()
		if err != nil {
			t.Fatal(err)
		}
		again := &Faults{}
		second, err := load(parseFile("printed.yaml", printed, again), Source{}, again)
		if err != nil {
			if c.Admin.MetricsToken.Reveal() != "" { // printed as [redacted], which is refused
				return
			}
			t.Fatalf("%v\nin\n%s", err, printed)
		}
		if reprinted, err := second.YAML(); err != nil || string(reprinted) != string(printed) {
			t.Fatalf("printed\n%s\nthen\n%s (%v)", printed, reprinted, err)
		}
	})
}

// Whatever the environment holds: no panic and a bounded report.
func FuzzEnvironment(f *testing.F) {
	f.Add("LOG__LEVEL", "debug", "LOG__LEVEL__0", "x")
	f.Add("ISSUERS__0__CLIENT_IDS", "a,b", "ISSUERS__1__NAME", "x")
	f.Add("USER_POLICY", "any", "USER_POLICY__CLAIM", "sub")
	f.Add("LISTENERS__0", "x", "LISTENERS__18446744073709551616__NAME", "y")
	f.Add("_", "x", "____0__", "y")
	f.Fuzz(func(t *testing.T, name1, value1, name2, value2 string) {
		faults := &Faults{}
		root := &node{kind: kindMap}
		_, err := load(root, Source{Environ: minimalEnvironment(envPrefix+name1+"="+value1, envPrefix+name2+"="+value2)}, faults)
		if err != nil {
			checkReport(t, err)
		}
	})
}

// withoutFiles drops settings that name files, so that the fuzzer opens none.
func withoutFiles(n *node) *node {
	if n == nil {
		return nil
	}
	kept := n.entries[:0]
	for _, e := range n.entries {
		if e.key != "cert" && e.key != "key" && e.key != "client_ca" && e.key != "jwks_file" {
			withoutFiles(e.value)
			kept = append(kept, e)
		}
	}
	n.entries = kept
	for _, item := range n.items {
		withoutFiles(item)
	}
	return n
}

func checkReport(t *testing.T, err error) {
	t.Helper()
	var faults *Faults
	if !errors.As(err, &faults) || len(faults.List) == 0 || len(faults.List) > maxFaults {
		t.Fatalf("%T with %v", err, err)
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		if len(line) > 4096 || !printable(line) {
			t.Fatalf("line of %d bytes: %q", len(line), line)
		}
	}
	if !reflect.DeepEqual(faults.or(), err) {
		t.Fatal("the report changes when it is asked for again")
	}
}
