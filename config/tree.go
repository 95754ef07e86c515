package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	yaml "go.yaml.in/yaml/v4"
)

const (
	maxFileBytes = 256 * Kilobyte
	maxDepth     = 8 // levels of a configuration; the deepest key stands on the fourth
)

// node is one value as it was written, before it has a type. The file gives a tree of them; environment and flags
// change it leaf by leaf.
type node struct {
	kind    kind
	scalar  scalar  // kindScalar
	entries []entry // kindMap, in the order of the source
	items   []*node // kindList
	origin  origin
}

type kind uint8

const (
	kindScalar kind = iota
	kindMap
	kindList
	kindBroken // has a fault already: nothing more is said about it
)

func (k kind) String() string {
	return [...]string{"a value", "a mapping", "a list", "nothing usable"}[k]
}

// scalar is a text and what YAML takes it for.
type scalar struct {
	text string
	tag  string // !!str, !!int, !!float, !!bool, ...; "" outside the file
}

type entry struct {
	key   string
	value *node
}

// get returns the value of key, nil without one.
func (n *node) get(key string) *node {
	for _, e := range n.entries {
		if e.key == key {
			return e.value
		}
	}
	return nil
}

// readFile reads the YAML file at path. A file that holds nothing gives an empty mapping, one that cannot be read nil.
func readFile(path string, faults *Faults) *node {
	content, err := readBounded(path, maxFileBytes)
	if err != nil {
		faults.add(Fault{Source: path, Message: plainError(err)})
		return nil
	}
	return parseFile(path, content, faults)
}

// readBounded returns the content of the file at path, which is at most limit bytes long.
func readBounded(path string, limit Size) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	switch {
	case err != nil:
		return nil, err
	case len(content) > int(limit):
		return nil, fmt.Errorf("longer than %v: this is something else", limit)
	}
	return content, nil
}

// parseFile reads the content of the file that is called name, as [readFile] says.
func parseFile(name string, content []byte, faults *Faults) *node {
	empty := &node{kind: kindMap}
	loader, err := yaml.NewLoader(bytes.NewReader(content))
	if err != nil {
		faults.add(Fault{Source: name, Message: "not YAML: " + err.Error()})
		return nil
	}
	var document, second yaml.Node
	switch err := loader.Load(&document); {
	case err != nil && len(bytes.TrimSpace(withoutComments(content))) == 0:
		return empty // the loader calls it an error when there is no document at all
	case err != nil:
		faults.add(syntaxFault(name, err))
		return nil
	}
	if err := loader.Load(&second); err == nil || second.Kind != 0 {
		faults.add(Fault{Source: name, Message: "holds more than one YAML document"})
	}
	root := (&fileReader{name, faults}).node("", &document, 0)
	switch {
	case root.kind == kindMap:
		return root
	case root.kind == kindScalar && root.scalar.tag == "!!null":
		return empty
	case root.kind != kindBroken:
		faults.add(Fault{Source: root.origin.source, Message: "expected a mapping of keys to values, found " + root.kind.String()})
	}
	return nil
}

// fileReader turns YAML nodes into ours.
type fileReader struct {
	name   string
	faults *Faults
}

func (r *fileReader) node(path string, y *yaml.Node, depth int) *node {
	at := origin{source: fmt.Sprintf("%s:%d", r.name, y.Line), rank: y.Line, file: true}
	n := &node{origin: at}
	broken := func(message string) *node {
		r.faults.add(Fault{Path: path, Source: at.source, Message: message, rank: at.rank})
		n.kind = kindBroken
		return n
	}
	if depth > maxDepth {
		return broken("nested too deeply")
	}
	switch y.Kind {
	case yaml.DocumentNode:
		if len(y.Content) != 1 {
			return broken("holds no value")
		}
		return r.node(path, y.Content[0], depth)
	case yaml.MappingNode:
		n.kind = kindMap
		r.entries(n, path, y, depth)
	case yaml.SequenceNode:
		n.kind = kindList
		for i, item := range y.Content {
			n.items = append(n.items, r.node(fmt.Sprintf("%s[%d]", path, i), item, depth+1))
		}
	case yaml.ScalarNode:
		n.kind, n.scalar = kindScalar, scalar{y.Value, y.Tag}
	default:
		return broken("YAML aliases are not read: write the value out")
	}
	return n
}

// entries reads the keys of a mapping into n.
func (r *fileReader) entries(n *node, path string, y *yaml.Node, depth int) {
	lines := map[string]int{}
	for i := 0; i+1 < len(y.Content); i += 2 {
		key, value := y.Content[i], y.Content[i+1]
		at := fmt.Sprintf("%s:%d", r.name, key.Line)
		if key.Kind != yaml.ScalarNode || key.Tag != "!!str" {
			r.faults.add(Fault{Path: path, Source: at, Message: "a key must be a plain word", rank: key.Line})
			continue
		}
		child := join(path, key.Value)
		if first, twice := lines[key.Value]; twice {
			r.faults.add(Fault{Path: child, Source: at, Message: fmt.Sprintf("this key stands on line %d already", first), rank: key.Line})
			continue
		}
		lines[key.Value] = key.Line
		v := r.node(child, value, depth+1)
		v.origin.source, v.origin.rank = at, key.Line // the key's line, not that of the first entry below it
		n.entries = append(n.entries, entry{key.Value, v})
	}
}

// join appends a key to path.
func join(path, key string) string {
	key = shown(key)
	if path == "" {
		return key
	}
	return path + "." + key
}

// syntaxFault is the YAML reader's error with its line in front.
func syntaxFault(name string, err error) Fault {
	var one *yaml.LoadError
	if errors.As(err, &one) && one.Mark.Line > 0 {
		return Fault{Source: fmt.Sprintf("%s:%d", name, one.Mark.Line), Message: "not YAML: " + one.Message, rank: one.Mark.Line}
	}
	return Fault{Source: name, Message: "not YAML: " + strings.TrimPrefix(err.Error(), "yaml: ")}
}

// withoutComments drops lines that are only a comment.
func withoutComments(content []byte) []byte {
	var kept []byte
	for line := range bytes.Lines(bytes.TrimPrefix(content, []byte("\ufeff"))) {
		if !bytes.HasPrefix(bytes.TrimSpace(line), []byte("#")) {
			kept = append(kept, line...)
		}
	}
	return kept
}

// plainError drops the operation and the path from an error of package os: the report names the file already.
func plainError(err error) string {
	var pe *os.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}
