package attacktable

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
)

// Entry is one attack of a table.
type Entry struct {
	ID          string // unique in the repository, for example 4.1-alg-none
	Expect      string // an SQLSTATE, or a word that the table's header explains
	Reason      string // the closed word of the refusal, "" if it has none
	Untested    string // why it has no test yet, "" if it has one
	Description string
}

// The columns of a table file, separated by one tab each; "-" is an empty field. Lines that begin with # are comments.
const header = "id\texpect\treason\tuntested\tdescription"

var idForm = regexp.MustCompile(`^[0-9]+(\.[0-9]+)*-[a-z0-9]+(-[a-z0-9]+)*$`)

// untestedWords are the reasons for which an entry may have no test: what it needs does not exist yet.
var untestedWords = []string{"denylist", "reload", "login-rate-limit", "copy", "open-transaction"}

// Load reads a table file. The error names the file and line.
func Load(path string) ([]Entry, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return parse(path, file)
}

func parse(path string, r io.Reader) ([]Entry, error) {
	var entries []Entry
	seen := make(map[string]bool)
	begun := false
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
			continue
		case !begun:
			if line != header {
				return nil, fmt.Errorf("%s:%d: the first line must be %q", path, n, header)
			}
			begun = true
			continue
		}
		e, err := entry(line)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, n, err)
		}
		if seen[e.ID] {
			return nil, fmt.Errorf("%s:%d: %s is there twice", path, n, e.ID)
		}
		seen[e.ID] = true
		entries = append(entries, e)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(entries) == 0 {
		return nil, fmt.Errorf("%s: no entries", path)
	}
	return entries, nil
}

func entry(line string) (Entry, error) {
	fields := strings.Split(line, "\t")
	if len(fields) != 5 {
		return Entry{}, fmt.Errorf("%d fields, want 5", len(fields))
	}
	for i, field := range fields {
		if field == "" || strings.TrimSpace(field) != field {
			return Entry{}, fmt.Errorf("field %d is empty or padded; write - for nothing", i+1)
		}
		if field == "-" {
			fields[i] = ""
		}
	}
	e := Entry{ID: fields[0], Expect: fields[1], Reason: fields[2], Untested: fields[3], Description: fields[4]}
	switch {
	case !idForm.MatchString(e.ID):
		return e, fmt.Errorf("id %q: a section number and words, as 4.1-alg-none", e.ID)
	case e.Expect == "" || e.Description == "":
		return e, fmt.Errorf("%s: expect and description are needed", e.ID)
	case e.Untested != "" && !slices.Contains(untestedWords, e.Untested):
		return e, fmt.Errorf("%s: untested %q: one of %s", e.ID, e.Untested, strings.Join(untestedWords, ", "))
	}
	return e, nil
}
