package reply

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// The reference reads a reply with a general JSON decoder into a tree and then looks at the tree: slow, whole in memory,
// and with nothing in common with the scanner but the rules.

type node struct {
	kind jsontext.Kind
	text string // of a string, or a number's literal
	keys []string
	kids []node
}

var errReference = errors.New("refused")

func parseTree(data []byte) (node, error) {
	d := jsontext.NewDecoder(bytes.NewReader(data), jsontext.AllowDuplicateNames(true))
	n, err := parseNode(d)
	if err != nil {
		return n, err
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return n, errReference
	}
	return n, nil
}

func parseNode(d *jsontext.Decoder) (node, error) {
	tok, err := d.ReadToken()
	if err != nil {
		return node{}, err
	}
	n := node{kind: tok.Kind()}
	switch n.kind {
	case '"', '0':
		n.text = tok.String()
	case '{', '[':
		end := jsontext.Kind('}')
		if n.kind == '[' {
			end = ']'
		}
		for d.PeekKind() != end {
			if n.kind == '{' {
				key, err := d.ReadToken()
				if err != nil {
					return n, err
				}
				n.keys = append(n.keys, key.String())
			}
			kid, err := parseNode(d)
			if err != nil {
				return n, err
			}
			n.kids = append(n.kids, kid)
		}
		if _, err := d.ReadToken(); err != nil {
			return n, err
		}
	}
	return n, nil
}

// within reports whether n keeps the bounds and holds no NUL. depth is that of n as the scanner counts it for skipped values.
func (n node) within(depth int) bool {
	if strings.IndexByte(n.text, 0) >= 0 || n.kind == '0' && len(n.text) > 64 || depth > maxDepth+6 {
		return false
	}
	for _, key := range n.keys {
		if len(key) > maxKey || strings.IndexByte(key, 0) >= 0 {
			return false
		}
	}
	for _, kid := range n.kids {
		if !kid.within(depth + 1) {
			return false
		}
	}
	return true
}

func (n node) depth() int {
	d := 0
	for _, kid := range n.kids {
		d = max(d, kid.depth())
	}
	return d + 1
}

// members returns n's value of each name, refusing keys that come twice and unknown values that are nested too deep.
func (n node) members(names ...string) (map[string]node, error) {
	if n.kind != '{' {
		return nil, errReference
	}
	all, known := map[string]node{}, map[string]node{}
	for i, key := range n.keys {
		if _, twice := all[key]; twice {
			return nil, errReference
		}
		all[key] = n.kids[i]
		isKnown := false
		for _, name := range names {
			isKnown = isKnown || name == key
		}
		if isKnown {
			known[key] = n.kids[i]
		} else if d := n.kids[i].depth(); d > maxDepth+1 || d > maxDepth && len(n.kids[i].kids) > 0 {
			return nil, errReference
		}
	}
	if len(all)-len(known) > 32 {
		return nil, errReference
	}
	return known, nil
}

func (n node) integer(lo, hi int64) (int64, error) {
	v, err := strconv.ParseInt(n.text, 10, 64)
	if n.kind != '0' || err != nil || v < lo || v > hi {
		return 0, errReference
	}
	return v, nil
}

// recorded is what a sink was given for one statement; rows are DataRow bodies.
type recorded struct {
	fields []upstream.Field
	rows   [][]byte
	done   upstream.Completion
	whole  bool
}

func reference(data []byte, n int, batch bool) ([]recorded, error) {
	root, err := parseTree(data)
	if err != nil {
		return nil, err
	}
	if !root.within(0) {
		return nil, errReference
	}
	objects := []node{root}
	if batch {
		m, err := root.members("results")
		if err != nil {
			return nil, err
		}
		list, ok := m["results"]
		if !ok || list.kind != '[' {
			return nil, errReference
		}
		objects = list.kids
	}
	if len(objects) != n {
		return nil, errReference
	}
	var all []recorded
	for _, o := range objects {
		r, err := referenceResult(o)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

func referenceResult(o node) (recorded, error) {
	var r recorded
	m, err := o.members("fields", "rows", "command", "rowCount", "rowAsArray")
	if err != nil {
		return r, err
	}
	for _, key := range []string{"fields", "rows", "command", "rowCount"} {
		if _, ok := m[key]; !ok {
			return r, errReference
		}
	}
	if a, ok := m["rowAsArray"]; ok && a.kind != 't' {
		return r, errReference
	}
	if m["fields"].kind != '[' || m["rows"].kind != '[' || m["command"].kind != '"' || len(m["command"].text) > maxKey {
		return r, errReference
	}
	for _, f := range m["fields"].kids {
		field, err := referenceField(f)
		if err != nil {
			return r, err
		}
		r.fields = append(r.fields, field)
	}
	for _, row := range m["rows"].kids {
		if row.kind != '[' || len(row.kids) != len(r.fields) {
			return r, errReference
		}
		body := binary.BigEndian.AppendUint16(nil, uint16(len(row.kids)))
		for _, cell := range row.kids {
			switch cell.kind {
			case 'n':
				body = append(body, 0xff, 0xff, 0xff, 0xff)
			case '"':
				body = binary.BigEndian.AppendUint32(body, uint32(len(cell.text)))
				body = append(body, cell.text...)
			default:
				return r, errReference
			}
		}
		r.rows = append(r.rows, body)
	}
	r.done.Command = m["command"].text
	if c := m["rowCount"]; c.kind != 'n' {
		if r.done.Rows, err = c.integer(0, 1<<63-1); err != nil {
			return r, err
		}
		r.done.HasRows = true
	}
	counts := (r.done.Command == "SELECT" || r.done.Command == "FETCH") && len(r.fields)+len(r.rows) > 0
	if counts && (!r.done.HasRows || r.done.Rows != int64(len(r.rows))) {
		return r, errReference
	}
	r.whole = true
	return r, nil
}

func referenceField(o node) (upstream.Field, error) {
	var f upstream.Field
	m, err := o.members(fieldKeys...)
	if err != nil || len(m) != len(fieldKeys) {
		return f, errReference
	}
	if m["name"].kind != '"' || len(m["name"].text) > maxName || m["format"].kind != '"' || m["format"].text != "text" {
		return f, errReference
	}
	f.Name = m["name"].text
	var errs [5]error
	var v [5]int64
	v[0], errs[0] = m["dataTypeID"].integer(0, 1<<32-1)
	v[1], errs[1] = m["tableID"].integer(0, 1<<32-1)
	v[2], errs[2] = m["columnID"].integer(-1<<15, 1<<15-1)
	v[3], errs[3] = m["dataTypeSize"].integer(-1<<15, 1<<15-1)
	v[4], errs[4] = m["dataTypeModifier"].integer(-1<<31, 1<<31-1)
	f.TypeOID, f.TableOID, f.Column, f.TypeSize, f.TypeMod = uint32(v[0]), uint32(v[1]), uint16(v[2]), int16(v[3]), int32(v[4])
	return f, errors.Join(errs[:]...)
}

// recorder is a RowSink that keeps everything and panics when the calls are out of order.
type recorder struct {
	all  []recorded
	open bool
	buf  []byte
	fail error // returned by EndRow
}

func (r *recorder) Fields(i int, fields []upstream.Field) error {
	if r.open || i != len(r.all) {
		panic("BUG: Fields out of order")
	}
	r.open = true
	r.all = append(r.all, recorded{fields: append([]upstream.Field(nil), fields...)})
	return nil
}

func (r *recorder) NextRow() []byte {
	if !r.open {
		panic("BUG: NextRow out of order")
	}
	return append(r.buf[:0], "kept"...)
}

func (r *recorder) EndRow(buf []byte) error {
	if !r.open || string(buf[:4]) != "kept" {
		panic("BUG: EndRow out of order")
	}
	r.buf = buf
	last := &r.all[len(r.all)-1]
	last.rows = append(last.rows, bytes.Clone(buf[4:]))
	return r.fail
}

func (r *recorder) Complete(i int, c upstream.Completion) error {
	if !r.open || i != len(r.all)-1 {
		panic("BUG: Complete out of order")
	}
	r.open = false
	r.all[i].done, r.all[i].whole = c, true
	return nil
}
