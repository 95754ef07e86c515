package describeoracle

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

//go:embed testdata
var testdata embed.FS

// Statement is one of the corpus.
type Statement struct {
	Topic string // the file's name without its extension
	Line  int
	Text  string
	// Min and Max are the first and last major version of Postgres it is for; 0 is no limit.
	Min, Max int
	// Before and After are SQL for both sessions around it, each sent as a Query that must succeed.
	Before, After []string
}

// On reports whether s is for that major version.
func (s *Statement) On(version int) bool {
	return version >= s.Min && (s.Max == 0 || version <= s.Max)
}

// Corpus returns the statements of testdata/*.sql.
//
// A statement ends with the semicolon at the end of a line, which is not part of it; blank lines and lines of comment between
// statements are for the reader. A text that this does not fit stands between lines "--<" and "-->", or as a Go string in a line
// `--@ go "..."`. Lines `--@ min 17`, `--@ max 16`, `--@ before SQL` and `--@ after SQL` are about the next statement.
func Corpus() ([]Statement, error) {
	names, err := fs.Glob(testdata, "testdata/*.sql")
	if err != nil {
		return nil, fmt.Errorf("describeoracle: BUG: %w", err)
	}
	var all []Statement
	for _, name := range names {
		text, err := testdata.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("describeoracle: %w", err)
		}
		topic := strings.TrimSuffix(path.Base(name), ".sql")
		list, err := parseCorpus(topic, string(text))
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	return all, nil
}

// corpusReader takes one file's lines.
type corpusReader struct {
	next     Statement // what directives have said about the statement to come, and its topic
	lines    []string  // of the statement that is open
	verbatim bool
	list     []Statement
}

func parseCorpus(topic, text string) ([]Statement, error) {
	r := corpusReader{next: Statement{Topic: topic}}
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if err := r.line(i+1, line); err != nil {
			return nil, fmt.Errorf("describeoracle: %s.sql:%d: %w", topic, i+1, err)
		}
	}
	if len(r.lines) > 0 || r.verbatim || r.next.Line != 0 {
		return nil, fmt.Errorf("describeoracle: %s.sql: the last statement does not end", topic)
	}
	return r.list, nil
}

func (r *corpusReader) line(number int, line string) error {
	if r.verbatim {
		if line == "-->" {
			r.end(strings.Join(r.lines, "\n"))
		} else {
			r.lines = append(r.lines, line)
		}
		return nil
	}
	if len(r.lines) == 0 {
		directive, isDirective := strings.CutPrefix(line, "--@ ")
		switch {
		case isDirective:
			return r.directive(number, directive)
		case line == "--<":
			r.verbatim = true
			r.next.Line = number
			return nil
		case strings.TrimSpace(line) == "" || strings.HasPrefix(line, "--"):
			return nil
		}
		r.next.Line = number
	}
	r.lines = append(r.lines, line)
	if text := strings.Join(r.lines, "\n"); strings.HasSuffix(text, ";") {
		r.end(strings.TrimSuffix(text, ";"))
	}
	return nil
}

func (r *corpusReader) directive(number int, text string) (err error) {
	word, rest, _ := strings.Cut(text, " ")
	switch word {
	case "min":
		r.next.Min, err = strconv.Atoi(rest)
	case "max":
		r.next.Max, err = strconv.Atoi(rest)
	case "before":
		r.next.Before = append(r.next.Before, rest)
	case "after":
		r.next.After = append(r.next.After, rest)
	case "go":
		var s string
		s, err = strconv.Unquote(rest)
		r.next.Line = number
		r.end(s)
	default:
		err = fmt.Errorf("unknown directive %q", word)
	}
	return err
}

func (r *corpusReader) end(text string) {
	r.next.Text = text
	r.list = append(r.list, r.next)
	r.next = Statement{Topic: r.next.Topic}
	r.lines, r.verbatim = nil, false
}
