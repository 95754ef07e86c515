package oracle

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pgturnstile/pgturnstile/proxy/proxytest/regress"
)

// corpus returns the texts of ../testdata, blocks between lines that read %%, and those of plan's tables.
func corpus(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("../testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no corpus in ../testdata: %v", err)
	}
	var texts []string
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for text := range strings.SplitSeq(strings.TrimSuffix(string(data), "\n"), "\n%%\n") {
			texts = append(texts, text)
		}
	}
	for _, name := range []string{"statements.tsv", "settings.tsv"} {
		table, err := os.ReadFile("../../plan/testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(table)) {
			if f := strings.SplitN(strings.TrimSuffix(line, "\n"), "\t", 3); len(f) == 3 {
				texts = append(texts, f[2])
			}
		}
	}
	return texts
}

// regression returns the SQL of Postgres' regression tests by file name, psql's own commands and COPY data left out.
func regression(t *testing.T) map[string]string {
	t.Helper()
	dir, err := regress.Suite("15")
	if err != nil {
		t.Skipf("only our own corpus is compared: %v", err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "sql", "*.sql"))
	if len(files) < 150 {
		t.Fatalf("%d regression files in %s: remove it", len(files), dir)
	}
	texts := make(map[string]string)
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		texts[filepath.Base(f)] = withoutPsql(string(data))
	}
	return texts
}

var copyFromStdin = regexp.MustCompile(`(?is)^\s*copy\b.*\bfrom\s+stdin\b.*;\s*$`)

// withoutPsql drops lines that start with a backslash, and the data after COPY ... FROM STDIN.
func withoutPsql(text string) string {
	var out strings.Builder
	data := false
	for line := range strings.Lines(text) {
		switch {
		case data:
			data = strings.TrimSpace(line) != `\.`
		case strings.HasPrefix(line, `\`):
		default:
			out.WriteString(line)
			data = copyFromStdin.MatchString(line)
		}
	}
	return out.String()
}
