package config

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const envPrefix = "PGTURNSTILE_"

// EnvFile is the environment variable that names the file when the flag --config does not.
const EnvFile = envPrefix + "CONFIG"

// orchestrator matches the variables that Kubernetes and Docker put into a container for a service called
// "pgturnstile". They are no settings of ours, and no setting may be called like one of them.
var orchestrator = regexp.MustCompile(`^PGTURNSTILE_(SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)

// override is one setting from the environment or a flag.
type override struct {
	steps  []string // keys and list indices, outermost first
	value  string
	origin origin
}

// path returns the steps as a path, like listeners[0].address.
func (o override) path() string { return pathOf(o.steps) }

func pathOf(steps []string) string {
	path := ""
	for _, step := range steps {
		if isIndex(step) {
			path += "[" + step + "]"
		} else {
			path = join(path, step)
		}
	}
	return path
}

// fromEnvironment returns the settings among environ ("NAME=value"), so ordered that list indices ascend. A variable
// with the prefix that is no setting becomes an override too: of a key that is unknown.
func fromEnvironment(environ []string, faults *Faults) []override {
	var found []override
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		rest, ours := strings.CutPrefix(name, envPrefix)
		if !ours || name == EnvFile || orchestrator.MatchString(name) {
			continue
		}
		name = shown(name)
		at := origin{source: name, rank: rankEnvironment}
		steps := strings.Split(strings.ToLower(rest), "__")
		switch {
		case strings.ToUpper(rest) != rest:
			faults.add(Fault{Source: name, Message: "not the name of a setting: the names are in upper case", rank: rankEnvironment})
		case value == "":
			// An empty variable is mostly a template with a hole in it. It must not switch off what the file asks for.
			faults.add(Fault{Path: pathOf(steps), Source: name, Message: "set, but empty: unset it for the file's value or the default", rank: rankEnvironment})
		default:
			found = append(found, override{steps, value, at})
		}
	}
	slices.SortStableFunc(found, func(a, b override) int {
		return slices.CompareFunc(a.steps, b.steps, compareSteps)
	})
	return found
}

// isIndex reports whether step is a list index. Keys never begin with a digit.
func isIndex(step string) bool {
	return step != "" && strings.Trim(step, "0123456789") == "" && (step == "0" || step[0] != '0')
}

// compareSteps orders keys by name and indices by number.
func compareSteps(a, b string) int {
	if isIndex(a) && isIndex(b) && len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

// apply writes o over the tree below root: mappings and lists are made where they are missing, and replaced where the
// file has something of another kind.
func (o override) apply(root *node, faults *Faults) {
	at := root
	for i, step := range o.steps {
		next, fault := at.child(step, o.origin)
		if fault != "" {
			faults.add(Fault{Path: o.path(), Source: o.origin.source, Message: fault, rank: o.origin.rank})
			return
		}
		last := i == len(o.steps)-1
		switch {
		case last && next.origin.rank == o.origin.rank && !next.new():
			faults.add(Fault{Path: o.path(), Source: o.origin.source, Message: "contradicts " + next.origin.source, rank: o.origin.rank})
			return
		case last:
			*next = node{kind: kindScalar, scalar: scalar{text: o.value}, origin: o.origin}
			return
		}
		want := kindMap
		if isIndex(o.steps[i+1]) {
			want = kindList
		}
		if next.kind != want {
			if next.origin.rank == o.origin.rank && !next.new() {
				faults.add(Fault{Path: o.path(), Source: o.origin.source, Message: "contradicts " + next.origin.source, rank: o.origin.rank})
				return
			}
			*next = node{kind: want, origin: o.origin}
		}
		at = next
	}
}

// new reports whether n was just made by child and holds nothing yet.
func (n *node) new() bool { return n.kind == kindBroken && n.items == nil && n.entries == nil }

// child returns the value below n that step names, and makes an empty one if there is none. The text is what is wrong
// with the step, "" if nothing is.
func (n *node) child(step string, at origin) (*node, string) {
	fresh := &node{kind: kindBroken, origin: at}
	if n.kind != kindList {
		if v := n.get(step); v != nil {
			return v, ""
		}
		n.entries = append(n.entries, entry{step, fresh})
		return fresh, ""
	}
	i, err := strconv.Atoi(step)
	switch {
	case err == nil && i < len(n.items):
		return n.items[i], ""
	case err == nil && i == len(n.items):
		n.items = append(n.items, fresh)
		return fresh, ""
	}
	return nil, fmt.Sprintf("leaves a gap: the list has %d entries before it, so the next index is %d", len(n.items), len(n.items))
}
