package config

import (
	"flag"
	"fmt"
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

// A file without a setting is as good as none, whatever makes it empty.
func TestEmptyFile(t *testing.T) {
	want := `the configuration has 2 faults:
  issuers: at least one issuer is required: the user pool whose tokens are accepted
  routes: at least one route is required: which database stands where on Neon`
	for _, content := range []string{"", "\n\n", "# nothing\n", "  # nothing", "---\n", "--- # nothing\n...\n", "{}", "~\n", "\ufeff# nothing\n", "# nothing\r\n"} {
		faults := &Faults{}
		if _, err := load(parseFile("empty.yaml", []byte(content), faults), Source{}, faults); err == nil || err.Error() != want {
			t.Errorf("%q gives %v", content, err)
		}
		c, err := load(parseFile("empty.yaml", []byte(content), &Faults{}), Source{Environ: minimalEnvironment()}, &Faults{})
		if err != nil || c.Listeners[0] != (mustLoad(t, Source{Environ: minimalEnvironment()})).Listeners[0] {
			t.Errorf("%q with an environment gives %v", content, err)
		}
	}
}

// Files that are made to cost much are refused. These take milliseconds; what grows faster than the file would not end
// within the time of a test.
func TestHostileFiles(t *testing.T) {
	const size = int(maxFileBytes)/4 - 16
	var keys strings.Builder
	for i := 0; keys.Len() < size; i++ {
		fmt.Fprintf(&keys, "k%d: 1\n", i)
	}
	bomb := "a: &a [x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c <= 'z'; c++ {
		bomb += fmt.Sprintf("%c: &%c [*%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c]\n", c, c, c-1, c-1, c-1, c-1, c-1, c-1, c-1, c-1)
	}
	for name, content := range map[string]string{
		"open brackets":    strings.Repeat("[", size),
		"nested lists":     strings.Repeat("- ", size/2),
		"nested mappings":  strings.Repeat("{a: ", size/4),
		"many keys":        keys.String(),
		"one key":          strings.Repeat("a: 1\n", size/5),
		"many entries":     "listeners:\n" + strings.Repeat("- {}\n", size/5-4),
		"many client ids":  "issuers:\n- client_ids: [" + strings.Repeat("!,", size/2-20) + "]\n",
		"one long value":   "default_route: " + strings.Repeat("x", size-20),
		"one long key":     strings.Repeat("x", size-20) + ": 1",
		"aliases":          bomb,
		"quotes":           strings.Repeat(`"`, size),
		"escapes":          `a: "` + strings.Repeat(`\x00`, size/4-5) + `"`,
		"control bytes":    strings.Repeat("\x00", size),
		"comment openings": strings.Repeat("#\n", size/2),
	} {
		faults := &Faults{}
		_, err := load(parseFile("hostile.yaml", []byte(content), faults), Source{}, faults)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		checkReport(t, err)
	}
}
