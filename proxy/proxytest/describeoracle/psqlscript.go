package describeoracle

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/pgturnstile/pgturnstile/proxy/sqlscan"
)

// script is a file of Postgres' regression suite, which is written for psql. Only what the suite needs of psql is understood.
type script struct {
	lines []string
	vars  map[string]string
	// conforming follows standard_conforming_strings, which says where strings end.
	conforming bool

	buffer   strings.Builder // of a statement that goes on
	pending  []scriptItem
	skipping []bool // per open \if, whether its lines are left out
}

// scriptItem is a statement, or a meta-command for whoever runs the script.
type scriptItem struct {
	SQL      string
	CopyData string // what follows COPY FROM STDIN
	// Meta is gset or gexec behind a statement, or a line's own: connect, quit. Argument is what stands behind it.
	Meta, Argument string
}

func readScript(path, dataDir string) (*script, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return &script{
		lines: strings.Split(string(text), "\n"), conforming: true,
		vars: map[string]string{"abs_srcdir": dataDir, "abs_builddir": dataDir, "libdir": dataDir, "dlsuffix": ".so", "DBNAME": "neondb", "USER": "postgres"},
	}, nil
}

var (
	trailingMeta  = regexp.MustCompile(`\\(gset|gexec|gdesc|gx|g|crosstabview)\b(.*)$`)
	copyFromStdin = regexp.MustCompile(`(?is)^\s*copy\b.*\bfrom\s+std(?:in|out)\b`)
	variable      = regexp.MustCompile(`:(['"]?)([A-Za-z_][A-Za-z0-9_]*)(['"]?)`)
)

// next returns the next item, false at the end.
func (s *script) next() (scriptItem, bool) {
	for len(s.pending) == 0 {
		if len(s.lines) == 0 {
			return scriptItem{}, false
		}
		line := s.lines[0]
		s.lines = s.lines[1:]
		s.line(line)
	}
	item := s.pending[0]
	s.pending = s.pending[1:]
	return item, true
}

func (s *script) line(line string) {
	if trimmed := strings.TrimSpace(line); strings.HasPrefix(trimmed, `\`) && strings.TrimSpace(s.buffer.String()) == "" {
		s.buffer.Reset()
		s.meta(trimmed)
		return
	}
	if s.skips() {
		return
	}
	meta := trailingMeta.FindStringSubmatchIndex(line)
	if meta != nil {
		s.buffer.WriteString(line[:meta[0]] + "\n")
		s.flush()
		if n := len(s.pending); n > 0 {
			s.pending[n-1].Meta, s.pending[n-1].Argument = line[meta[2]:meta[3]], strings.TrimSpace(line[meta[4]:meta[5]])
		}
		return
	}
	s.buffer.WriteString(line + "\n")
	if strings.Contains(line, ";") && s.complete() {
		s.flush()
	}
}

// complete reports whether the buffer ends with a statement's semicolon.
func (s *script) complete() bool {
	list := sqlscan.Split(nil, s.buffer.String(), s.conforming)
	if len(list) == 0 {
		return true
	}
	last := list[len(list)-1]
	return !last.Unbalanced && strings.HasSuffix(last.Text, ";")
}

// flush turns the buffer into items.
func (s *script) flush() {
	text := s.substitute(s.buffer.String())
	s.buffer.Reset()
	for _, st := range sqlscan.Split(nil, text, s.conforming) {
		scanner := sqlscan.New(st.Text, s.conforming)
		first, _ := scanner.Next() // a statement has a token
		item := scriptItem{SQL: strings.TrimSuffix(strings.TrimSpace(st.Text[first.Start:]), ";")}
		if copyFromStdin.MatchString(item.SQL) {
			item.CopyData = s.copyData()
		}
		s.pending = append(s.pending, item)
	}
}

// copyData takes the lines up to \. from the script.
func (s *script) copyData() string {
	for i, line := range s.lines {
		if strings.TrimRight(line, "\r") == `\.` {
			data := strings.Join(s.lines[:i], "\n")
			s.lines = s.lines[i+1:]
			if data != "" {
				data += "\n"
			}
			return data
		}
	}
	return ""
}

// substitute puts psql's variables in, those that are set.
func (s *script) substitute(text string) string {
	return variable.ReplaceAllStringFunc(text, func(m string) string {
		parts := variable.FindStringSubmatch(m)
		value, ok := s.vars[parts[2]]
		switch {
		case !ok || parts[1] != parts[3]:
			return m
		case parts[1] == "'":
			return "'" + strings.ReplaceAll(value, "'", "''") + "'"
		case parts[1] == `"`:
			return `"` + strings.ReplaceAll(value, `"`, `""`) + `"`
		}
		return value
	})
}

func (s *script) skips() bool {
	for _, skip := range s.skipping {
		if skip {
			return true
		}
	}
	return false
}

func (s *script) meta(line string) {
	word, rest, _ := strings.Cut(strings.TrimPrefix(line, `\`), " ")
	switch word {
	case "if":
		value := strings.ToLower(strings.TrimSpace(s.substitute(rest)))
		s.skipping = append(s.skipping, value != "t" && value != "true" && value != "on" && value != "1" && value != "yes")
		return
	case "else", "elif":
		if n := len(s.skipping); n > 0 {
			s.skipping[n-1] = !s.skipping[n-1]
		}
		return
	case "endif":
		if n := len(s.skipping); n > 0 {
			s.skipping = s.skipping[:n-1]
		}
		return
	}
	if s.skips() {
		return
	}
	switch word {
	case "getenv": // what there is, is set from the start
	case "set":
		name, value, _ := strings.Cut(strings.TrimSpace(rest), " ")
		s.vars[name] = s.words(value)
	case "quit", "q":
		s.lines = nil
	case "c", "connect":
		s.pending = append(s.pending, scriptItem{Meta: "connect", Argument: strings.TrimSpace(s.substitute(rest))})
	}
}

// words is the value of \set: its arguments, unquoted, one behind the other.
func (s *script) words(text string) string {
	var b strings.Builder
	for _, word := range strings.Fields(text) {
		if len(word) >= 2 && word[0] == '\'' && word[len(word)-1] == '\'' {
			b.WriteString(strings.ReplaceAll(word[1:len(word)-1], "''", "'"))
			continue
		}
		b.WriteString(s.substitute(word))
	}
	return b.String()
}

// schedule returns the tests of the suite's parallel_schedule, in order.
func schedule(dir string) ([]string, error) {
	text, err := os.ReadFile(filepath.Join(dir, "parallel_schedule"))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, line := range strings.Split(string(text), "\n") {
		if rest, ok := strings.CutPrefix(line, "test:"); ok {
			names = append(names, strings.Fields(rest)...)
		}
	}
	return names, nil
}
