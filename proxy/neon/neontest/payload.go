package neontest

import (
	"strings"

	"github.com/pgturnstile/pgturnstile/proxy/neon/neontest/rustjson"
)

// payload is a request's body.
type payload struct {
	batch      bool
	statements []statement
}

func badBody(reason string) *failure {
	return refusal("could not parse the HTTP request body: %s", reason)
}

// parsePayload reads a body: a single statement if it can be one, else a batch. The structures of Neon can also be given as
// lists, their fields in order.
func parsePayload(body []byte) (payload, *failure) {
	d := rustjson.NewDecoder(body)
	v, err := d.Value()
	if err != nil {
		return payload{}, badBody(err.Error())
	}
	var p payload
	if st, ok := asStatement(v); ok {
		p.statements = []statement{st}
	} else if p.statements, ok = asBatch(v); ok {
		p.batch = true
	} else {
		return payload{}, badBody("data did not match any variant of untagged enum Payload")
	}
	if err := d.End(); err != nil {
		return payload{}, badBody(err.Error())
	}
	return p, nil
}

// fields picks the named values of a structure. An absent one is nil; a name that is there twice is none of them.
func fields(v rustjson.Value, names ...string) ([]*rustjson.Value, bool) {
	found := make([]*rustjson.Value, len(names))
	switch v.Kind {
	case rustjson.Array:
		if len(v.Items) > len(names) {
			return nil, false
		}
		for i := range v.Items {
			found[i] = &v.Items[i]
		}
		return found, true
	case rustjson.Object:
		for i := range v.Pairs {
			for j, name := range names {
				if v.Pairs[i].Name != name {
					continue
				}
				if found[j] != nil {
					return nil, false
				}
				found[j] = &v.Pairs[i].Value
			}
		}
		return found, true
	}
	return nil, false
}

func asStatement(v rustjson.Value) (st statement, ok bool) {
	f, ok := fields(v, "query", "params", "arrayMode")
	if !ok || f[0] == nil || f[0].Kind != rustjson.String {
		return st, false
	}
	st.sql = f[0].Str
	if f[1] != nil {
		if f[1].Kind != rustjson.Array {
			return st, false
		}
		st.params = make([][]byte, len(f[1].Items))
		for i, item := range f[1].Items {
			st.params[i] = paramText(item)
		}
	}
	if f[2] != nil && f[2].Kind != rustjson.Null {
		if f[2].Kind != rustjson.Bool {
			return st, false
		}
		st.arrayMode = &f[2].Bool
	}
	return st, true
}

func asBatch(v rustjson.Value) (list []statement, ok bool) {
	f, ok := fields(v, "queries")
	if !ok || f[0] == nil || f[0].Kind != rustjson.Array {
		return nil, false
	}
	for _, item := range f[0].Items {
		st, ok := asStatement(item)
		if !ok {
			return nil, false
		}
		list = append(list, st)
	}
	return list, true
}

// paramText is the Postgres text of a parameter; nil is NULL.
func paramText(v rustjson.Value) []byte {
	switch v.Kind {
	case rustjson.Null:
		return nil
	case rustjson.String:
		return append(make([]byte, 0, len(v.Str)), v.Str...) // never nil
	case rustjson.Array:
		return appendArrayText(nil, v)
	}
	return rustjson.Append(nil, v)
}

// appendArrayText writes a list as a Postgres array. Its strings keep their JSON escapes, which Postgres reads otherwise:
// "\n" becomes n.
func appendArrayText(buf []byte, v rustjson.Value) []byte {
	buf = append(buf, '{')
	for i, item := range v.Items {
		if i > 0 {
			buf = append(buf, ',')
		}
		switch item.Kind {
		case rustjson.Null:
			buf = append(buf, "NULL"...)
		case rustjson.Array:
			buf = appendArrayText(buf, item)
		case rustjson.Object:
			buf = rustjson.AppendString(buf, string(rustjson.Append(nil, item)))
		default:
			buf = rustjson.Append(buf, item)
		}
	}
	return append(buf, '}')
}

// isolationLevels are the values of Neon-Batch-Isolation-Level and what they are in SQL.
var isolationLevels = map[string]string{
	"ReadUncommitted": "READ UNCOMMITTED",
	"ReadCommitted":   "READ COMMITTED",
	"RepeatableRead":  "REPEATABLE READ",
	"Serializable":    "SERIALIZABLE",
}

// transaction is how a batch runs, as its headers say.
type transaction struct {
	isolation            string // header value, "" if not given
	readOnly, deferrable bool
}

func (t transaction) start() string {
	var modes []string
	if t.isolation != "" {
		modes = append(modes, " ISOLATION LEVEL "+isolationLevels[t.isolation])
	}
	if t.readOnly {
		modes = append(modes, " READ ONLY")
	}
	if t.deferrable {
		modes = append(modes, " DEFERRABLE")
	}
	return "START TRANSACTION" + strings.Join(modes, ",")
}
