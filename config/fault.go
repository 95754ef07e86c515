package config

import (
	"fmt"
	"slices"
	"strings"
)

// maxFaults bounds a report: a file of another kind, read by mistake, is one unknown key after the other.
const maxFaults = 100

// Fault is one thing that is wrong, or worth a warning.
type Fault struct {
	Path    string // the key, like listeners[0].tls.cert; "" is the whole configuration
	Source  string // where its value comes from: FILE:LINE, the environment variable, the flag; "" when it is not set anywhere
	Message string // what is wrong, without key and source

	rank int // order in the report: lines of the file, then variables and flags, then what is set nowhere
}

// String returns "SOURCE: PATH: MESSAGE" without the parts that are empty.
func (f Fault) String() string {
	parts := make([]string, 0, 3)
	for _, part := range []string{f.Source, f.Path, f.Message} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ": ")
}

// Faults is the error of [Load] and [Config.Validate]: everything that is wrong, in the order of the file.
type Faults struct {
	List    []Fault
	Omitted int // faults beyond the first 100
}

// Error returns the whole report, a line for each fault.
func (f *Faults) Error() string {
	var b strings.Builder
	count := len(f.List) + f.Omitted
	if count == 1 {
		b.WriteString("the configuration has 1 fault:")
	} else {
		fmt.Fprintf(&b, "the configuration has %d faults:", count)
	}
	for _, fault := range f.List {
		b.WriteString("\n  ")
		b.WriteString(fault.String())
	}
	if f.Omitted > 0 {
		fmt.Fprintf(&b, "\n  and %d more", f.Omitted)
	}
	return b.String()
}

// full reports whether further faults are only counted.
func (f *Faults) full() bool { return len(f.List) == maxFaults }

// add appends a fault, or counts it when there are enough.
func (f *Faults) add(fault Fault) {
	if f.full() {
		f.Omitted++
		return
	}
	f.List = append(f.List, fault)
}

// or returns f as an error, nil when it holds none.
func (f *Faults) or() error {
	if len(f.List) == 0 {
		return nil
	}
	slices.SortStableFunc(f.List, func(a, b Fault) int {
		if a.rank == b.rank && a.rank >= rankEnvironment {
			return strings.Compare(a.Source, b.Source)
		}
		return a.rank - b.rank
	})
	return f
}

// origin is where a value was written.
type origin struct {
	source string // as Fault.Source
	rank   int    // as Fault.rank
	file   bool   // in the file, where a value has a type of its own; elsewhere everything is text
}

// Ranks of what has no line.
const (
	rankEnvironment = 1 << 30
	rankFlag        = rankEnvironment + 1
	rankUnset       = rankEnvironment + 2
)

// origins knows where each key of a configuration was written.
type origins map[string]origin

// locate fills in where fault's key comes from: itself, or for a key that is missing the nearest one around it.
func (o origins) locate(fault Fault) Fault {
	for path := fault.Path; path != ""; path = parent(path) {
		if at, ok := o[path]; ok {
			fault.Source, fault.rank = at.source, at.rank
			return fault
		}
	}
	fault.rank = rankUnset
	return fault
}

// parent cuts the last level from path.
func parent(path string) string {
	return path[:max(0, strings.LastIndexAny(path, ".["))]
}

// quoted shows a value from outside: bounded, and with no control character left in it.
func quoted(value string) string {
	const most = 64
	if len(value) > most {
		return fmt.Sprintf("%q...", value[:most])
	}
	return fmt.Sprintf("%q", value)
}

// shown is a name from outside: as it is, or quoted if it is long or holds more than plain characters.
func shown(name string) string {
	if q := quoted(name); q != `"`+name+`"` {
		return q
	}
	return name
}
