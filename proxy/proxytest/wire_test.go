package proxytest

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestScripts plays every script to Postgres and through the proxy. Whatever differs stands in the script's .accepted file.
func TestScripts(t *testing.T) {
	s := startStack(t)
	paths, err := filepath.Glob("testdata/*.wire")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		script, err := ReadScript(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(script.Name, func(t *testing.T) {
			accepted, err := ReadAccepted(strings.TrimSuffix(path, ".wire") + ".accepted")
			if err != nil {
				t.Fatal(err)
			}
			if directOnBothSides {
				accepted = nil
			}
			postgres, proxy := s.sides(t, script)
			for _, fault := range Compare(postgres, proxy, accepted) {
				t.Error(fault)
			}
		})
	}
}
