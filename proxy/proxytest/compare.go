package proxytest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// Accepted are the differences of one script that were reviewed, by step.
type Accepted map[string]Difference

// Difference is what the proxy answers in a step where Postgres answers otherwise, and why.
type Difference struct {
	Reason string
	Lines  []string
}

// ReadAccepted reads the file of accepted differences at path; there need not be one. It has a part for each step:
//
//	= title of the step
//	# the reason, in one or more lines
//	the transcript through the proxy, exactly
func ReadAccepted(path string) (Accepted, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("proxytest: %w", err)
	}
	accepted := Accepted{}
	var title string
	var d Difference
	finish := func() error {
		if title == "" {
			return nil
		}
		if d.Reason == "" {
			return fmt.Errorf("proxytest: %s: step %q has no reason", path, title)
		}
		if _, twice := accepted[title]; twice {
			return fmt.Errorf("proxytest: %s: step %q stands twice", path, title)
		}
		accepted[title] = d
		return nil
	}
	for _, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		switch {
		case line == "":
		case strings.HasPrefix(line, "="):
			if err := finish(); err != nil {
				return nil, err
			}
			title, d = strings.TrimSpace(line[1:]), Difference{}
		case title == "":
			if line[0] != '#' {
				return nil, fmt.Errorf("proxytest: %s: %q stands before the first step", path, line)
			}
		case line[0] == '#':
			d.Reason = strings.TrimSpace(d.Reason + " " + strings.TrimSpace(line[1:]))
		default:
			d.Lines = append(d.Lines, line)
		}
	}
	return accepted, finish()
}

// Compare returns every difference between the transcripts of Postgres and of the proxy that is not accepted, and every
// acceptance that nothing stands behind any more. Each is a text to print. A step that did not run, because the session had
// ended, has no lines.
func Compare(postgres, proxy []Result, accepted Accepted) []string {
	var titles []string
	byTitle := func(results []Result) map[string][]string {
		lines := map[string][]string{}
		for _, r := range results {
			lines[r.Title] = r.Lines
			if !slices.Contains(titles, r.Title) {
				titles = append(titles, r.Title)
			}
		}
		return lines
	}
	wanted, got := byTitle(postgres), byTitle(proxy)
	var faults []string
	for _, title := range titles {
		d, isAccepted := accepted[title]
		switch same := slices.Equal(wanted[title], got[title]); {
		case same && isAccepted:
			faults = append(faults, fmt.Sprintf("step %q: an accepted difference is none any more", title))
		case same, isAccepted && slices.Equal(d.Lines, got[title]):
		case isAccepted:
			faults = append(faults, fmt.Sprintf("step %q differs in another way than was accepted\nPostgres:\n%s\naccepted:\n%s\nproxy:\n%s",
				title, indent(wanted[title]), indent(d.Lines), indent(got[title])))
		default:
			faults = append(faults, fmt.Sprintf("step %q\nPostgres:\n%s\nproxy:\n%s", title, indent(wanted[title]), indent(got[title])))
		}
	}
	for title := range accepted {
		if !slices.Contains(titles, title) {
			faults = append(faults, fmt.Sprintf("an accepted difference names the step %q, which did not run", title))
		}
	}
	return faults
}

func indent(lines []string) string {
	if len(lines) == 0 {
		return "\t(nothing)"
	}
	return "\t" + strings.Join(lines, "\n\t")
}
