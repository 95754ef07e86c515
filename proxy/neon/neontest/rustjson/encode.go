package rustjson

import (
	"sort"
	"strconv"
)

// AppendString appends s quoted: quote, backslash and controls below space escaped, all else as it stands.
func AppendString(buf []byte, s string) []byte {
	const hex = "0123456789abcdef"
	buf = append(buf, '"')
	start := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		buf = append(buf, s[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			buf = append(buf, '\\', c)
		case '\b':
			buf = append(buf, '\\', 'b')
		case '\t':
			buf = append(buf, '\\', 't')
		case '\n':
			buf = append(buf, '\\', 'n')
		case '\f':
			buf = append(buf, '\\', 'f')
		case '\r':
			buf = append(buf, '\\', 'r')
		default:
			buf = append(buf, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(append(buf, s[start:]...), '"')
}

// Append appends v without white space; the names of an object are sorted by bytes and the last of equal names wins, as
// in serde_json's Value.
func Append(buf []byte, v Value) []byte {
	switch v.Kind {
	case Null:
		return append(buf, "null"...)
	case Bool:
		return strconv.AppendBool(buf, v.Bool)
	case Uint:
		return strconv.AppendUint(buf, v.Uint, 10)
	case Int:
		return strconv.AppendInt(buf, v.Int, 10)
	case Float:
		return AppendFloat(buf, v.Float)
	case String:
		return AppendString(buf, v.Str)
	case Array:
		buf = append(buf, '[')
		for i, item := range v.Items {
			if i > 0 {
				buf = append(buf, ',')
			}
			buf = Append(buf, item)
		}
		return append(buf, ']')
	case Object:
		buf = append(buf, '{')
		for i, m := range sorted(v.Pairs) {
			if i > 0 {
				buf = append(buf, ',')
			}
			buf = Append(append(AppendString(buf, m.Name), ':'), m.Value)
		}
		return append(buf, '}')
	}
	panic("BUG: a JSON value of an unknown kind")
}

func sorted(pairs []Member) []Member {
	list := append([]Member(nil), pairs...)
	sort.SliceStable(list, func(i, j int) bool { return list[i].Name < list[j].Name })
	kept := list[:0]
	for i, m := range list {
		if i+1 < len(list) && list[i+1].Name == m.Name {
			continue
		}
		kept = append(kept, m)
	}
	return kept
}
