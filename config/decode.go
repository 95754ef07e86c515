package config

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// decoder gives a tree its types. What it cannot read stays at the default and is a fault.
type decoder struct {
	faults  *Faults
	origins origins // of every key that was read
}

// decode reads the tree below root over the defaults.
func decode(root *node, faults *Faults) (*Config, origins) {
	c := Default()
	d := &decoder{faults, origins{}}
	d.structure("", root, reflect.ValueOf(c).Elem())
	return c, d.origins
}

func (d *decoder) fault(path string, n *node, format string, args ...any) {
	if n.kind == kindBroken {
		return
	}
	d.faults.add(Fault{Path: path, Source: n.origin.source, Message: fmt.Sprintf(format, args...), rank: n.origin.rank})
}

func (d *decoder) value(path string, n *node, v reflect.Value) {
	d.origins[path] = n.origin
	if n.kind == kindScalar && n.scalar.tag == "!!null" {
		d.fault(path, n, "has no value: give it one, or remove the key for the default")
		return
	}
	switch {
	case v.Type() == reflect.TypeFor[UserPolicy]():
		d.userPolicy(path, n, v)
	case v.Type() == reflect.TypeFor[Secret]():
		if s, ok := d.scalar(path, n, "a text"); ok {
			v.Set(reflect.ValueOf(NewSecret(s.text)))
		}
	case v.Type() == reflect.TypeFor[time.Duration]():
		d.duration(path, n, v)
	case v.Type() == reflect.TypeFor[Size]():
		d.size(path, n, v)
	case v.Kind() == reflect.Struct:
		d.structure(path, n, v)
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct:
		d.entries(path, n, v)
	case v.Kind() == reflect.Slice:
		d.texts(path, n, v)
	case v.Kind() == reflect.String:
		if s, ok := d.text(path, n); ok {
			v.SetString(s)
		}
	case v.Kind() == reflect.Bool:
		d.boolean(path, n, v)
	case v.Kind() == reflect.Int:
		d.integer(path, n, v)
	default:
		panic("BUG: no way to read a setting of type " + v.Type().String())
	}
}

// structure reads a mapping into the struct v.
func (d *decoder) structure(path string, n *node, v reflect.Value) {
	if n.kind != kindMap {
		d.fault(path, n, "expected a mapping of keys to values, found %s", n.kind)
		return
	}
	fields := fieldsOf(v.Type())
	for _, e := range n.entries {
		child := join(path, e.key)
		i, known := fields[e.key]
		if !known {
			hint := ""
			if !d.faults.full() { // a file of another kind has thousands of them
				hint = similar(e.key, fields)
			}
			d.faults.add(Fault{Path: child, Source: e.value.origin.source, Message: "unknown key" + hint, rank: e.value.origin.rank})
			continue
		}
		d.value(child, e.value, v.Field(i))
	}
}

// entries reads a list of mappings, each over the defaults of its type. The list replaces the default one.
func (d *decoder) entries(path string, n *node, v reflect.Value) {
	if n.kind != kindList {
		d.fault(path, n, "expected a list, found %s", n.kind)
		return
	}
	list := reflect.MakeSlice(v.Type(), len(n.items), len(n.items))
	for i, item := range n.items {
		list.Index(i).Set(defaultEntry(v.Type().Elem()))
		d.value(fmt.Sprintf("%s[%d]", path, i), item, list.Index(i))
	}
	v.Set(list)
}

// texts reads a list of texts. One text stands for a list of itself; outside the file commas separate.
func (d *decoder) texts(path string, n *node, v reflect.Value) {
	var list []string
	switch n.kind {
	case kindList:
		for i, item := range n.items {
			d.origins[fmt.Sprintf("%s[%d]", path, i)] = item.origin
			if s, ok := d.text(fmt.Sprintf("%s[%d]", path, i), item); ok {
				list = append(list, s)
			}
		}
	case kindScalar:
		s, ok := d.text(path, n)
		switch {
		case !ok:
		case n.origin.file:
			list = []string{s}
		default:
			for part := range strings.SplitSeq(s, ",") {
				list = append(list, strings.TrimSpace(part))
			}
		}
	default:
		d.fault(path, n, "expected a list of texts, found %s", n.kind)
	}
	if len(list) > 0 {
		v.Set(reflect.ValueOf(list))
	} else {
		v.SetZero()
	}
}

// scalar returns the one value that n must be.
func (d *decoder) scalar(path string, n *node, expected string) (scalar, bool) {
	if n.kind != kindScalar {
		d.fault(path, n, "expected %s, found %s", expected, n.kind)
		return scalar{}, false
	}
	return n.scalar, true
}

// text returns the text that n must be. A number is taken as it is written: an app client's id may be all digits.
func (d *decoder) text(path string, n *node) (string, bool) {
	s, ok := d.scalar(path, n, "a text")
	switch {
	case !ok:
		return "", false
	case n.origin.file && !slices.Contains([]string{"!!str", "!!int", "!!float"}, s.tag):
		d.fault(path, n, "expected a text, found %s: put it in quotes if it is meant", quoted(s.text))
		return "", false
	}
	return s.text, true
}

func (d *decoder) duration(path string, n *node, v reflect.Value) {
	s, ok := d.scalar(path, n, "a duration")
	if !ok {
		return
	}
	parsed, err := time.ParseDuration(s.text)
	if err != nil {
		d.fault(path, n, `expected a duration with its unit, like "15s" (ms, s, m, h), found %s`, quoted(s.text))
		return
	}
	v.SetInt(int64(parsed))
}

func (d *decoder) size(path string, n *node, v reflect.Value) {
	s, ok := d.scalar(path, n, "a size")
	if !ok {
		return
	}
	parsed, err := parseSize(s.text)
	if err != nil {
		d.fault(path, n, "%v, found %s", err, quoted(s.text))
		return
	}
	v.SetInt(int64(parsed))
}

// found shows a value that is not what was expected. What YAML takes for a text may look like the right thing.
func found(s scalar) string {
	if s.tag == "!!str" {
		return "the text " + quoted(s.text)
	}
	return quoted(s.text)
}

func (d *decoder) boolean(path string, n *node, v reflect.Value) {
	s, ok := d.scalar(path, n, "true or false")
	if !ok {
		return
	}
	if s.text != "true" && s.text != "false" || n.origin.file && s.tag != "!!bool" {
		d.fault(path, n, "expected true or false, found %s", found(s))
		return
	}
	v.SetBool(s.text == "true")
}

func (d *decoder) integer(path string, n *node, v reflect.Value) {
	s, ok := d.scalar(path, n, "a whole number")
	if !ok {
		return
	}
	parsed, err := strconv.Atoi(s.text)
	if err != nil || n.origin.file && s.tag != "!!int" {
		d.fault(path, n, "expected a whole number, found %s", found(s))
		return
	}
	v.SetInt(int64(parsed))
}

// userPolicy reads "any" or a mapping with the claim's name.
func (d *decoder) userPolicy(path string, n *node, v reflect.Value) {
	switch {
	case n.kind == kindScalar && n.scalar.text == userPolicyAny:
		v.SetZero()
	case n.kind == kindMap:
		before := len(d.faults.List)
		d.structure(path, n, v)
		if v.Interface().(UserPolicy).Any() && len(d.faults.List) == before {
			d.fault(path, n, "expected `any` or {claim: NAME}, found no claim's name")
		}
	default:
		d.fault(path, n, "expected `any` or {claim: NAME}")
	}
}

// fieldsOf returns the field index of each key of the struct t.
func fieldsOf(t reflect.Type) map[string]int {
	fields := make(map[string]int, t.NumField())
	for i := range t.NumField() {
		fields[t.Field(i).Tag.Get("yaml")] = i
	}
	return fields
}

// similar returns the hint ` (did you mean "x"?)` when a key is nearly what was written, else "".
func similar(key string, fields map[string]int) string {
	const near = 2
	best, distance := "", near+1
	if len(key) > 64 {
		return ""
	}
	for name := range fields {
		if at := editDistance(strings.ToLower(strings.ReplaceAll(key, "-", "_")), name); at < distance || at == distance && name < best {
			best, distance = name, at
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", best)
}

// editDistance counts the bytes to insert, delete or replace to make b of a.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
