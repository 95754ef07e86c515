package config

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the reports and tables that the tests compare with")

// wantMark begins the lines of a file in testdata/bad that hold its report.
const wantMark = "#! "

// Each file in testdata/bad breaks one rule; its last lines are the report that it must give, word for word.
func TestBadFiles(t *testing.T) {
	names, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(names) < 100 {
		t.Fatalf("only %d files (%v)", len(names), err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".yaml"), func(t *testing.T) {
			content, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			body, want := splitReport(string(content))
			c, err := Load(Source{File: name})
			if c != nil || err == nil {
				t.Fatal("accepted")
			}
			got := strings.ReplaceAll(err.Error(), "testdata/bad/", "")
			if *update {
				marked := body + wantMark + strings.ReplaceAll(got, "\n", "\n"+wantMark) + "\n"
				if err := os.WriteFile(name, []byte(marked), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			if strings.Contains(got, "hunter2") {
				t.Error("the report shows a secret")
			}
		})
	}
}

func splitReport(content string) (body, report string) {
	var lines []string
	for line := range strings.Lines(content) {
		if text, ok := strings.CutPrefix(line, wantMark); ok {
			lines = append(lines, strings.TrimSuffix(text, "\n"))
		} else {
			body += line
		}
	}
	return body, strings.Join(lines, "\n")
}
