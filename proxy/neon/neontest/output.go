package neontest

import (
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pgturnstile/pgturnstile/proxy/neon/neontest/rustjson"
)

// appendRow appends one DataRow as a JSON list or object.
func appendRow(buf []byte, columns []column, body []byte, raw, arrayMode bool) ([]byte, error) {
	values, err := splitRow(body)
	if err != nil {
		return buf, err
	}
	if len(values) != len(columns) {
		return buf, errUnreadableResponse
	}
	open, end := byte('{'), byte('}')
	if arrayMode {
		open, end = '[', ']'
	}
	buf = append(buf, open)
	for i, value := range values {
		if i > 0 {
			buf = append(buf, ',')
		}
		if !arrayMode {
			buf = append(append(buf, columns[i].nameKey...), ':')
		}
		switch {
		case value == nil:
			buf = append(buf, "null"...)
		case !utf8.Valid(value):
			return buf, errUnreadableResponse
		case raw:
			buf = rustjson.AppendString(buf, string(value))
		default:
			if buf, err = appendValue(buf, string(value), columns[i].typ); err != nil {
				return buf, err
			}
		}
	}
	return append(buf, end), nil
}

// appendValue appends a value as the JSON that suits its type.
func appendValue(buf []byte, text string, t pgType) ([]byte, error) {
	if t.elem != nil {
		return appendArray(buf, text, *t.elem)
	}
	switch t.oid {
	case 16: // bool
		return strconv.AppendBool(buf, text == "t"), nil
	case 21, 23: // int2, int4
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return buf, errUnreadableResponse
		}
		return strconv.AppendInt(buf, n, 10), nil
	case 700, 701: // float4, float8
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return buf, errUnreadableResponse
		}
		if math.IsInf(f, 0) || math.IsNaN(f) {
			return rustjson.AppendString(buf, text), nil
		}
		return rustjson.AppendFloat(buf, f), nil
	case 114, 3802: // json, jsonb: as it stands
		return append(buf, text...), nil
	}
	return rustjson.AppendString(buf, text), nil
}

// arrayReader turns the text of a Postgres array into a JSON list. Bounds are dropped, the delimiter is always a comma.
type arrayReader struct {
	rest string
	elem pgType
}

func appendArray(buf []byte, text string, elem pgType) ([]byte, error) {
	if strings.HasPrefix(text, "[") {
		_, array, ok := strings.Cut(text, "=")
		if !ok {
			return buf, errUnreadableResponse
		}
		text = array
	}
	r := arrayReader{trimStart(text), elem}
	buf, err := r.list(buf)
	if err == nil && r.rest != "" {
		err = errUnreadableResponse
	}
	return buf, err
}

func trimStart(s string) string { return strings.TrimLeftFunc(s, unicode.IsSpace) }
func trimEnd(s string) string   { return strings.TrimRightFunc(s, unicode.IsSpace) }

func (r *arrayReader) list(buf []byte) ([]byte, error) {
	if !strings.HasPrefix(r.rest, "{") {
		return buf, errUnreadableResponse
	}
	r.rest = r.rest[1:]
	buf = append(buf, '[')
	for first := true; ; first = false {
		if !first {
			buf = append(buf, ',')
		}
		var err error
		if buf, err = r.item(buf); err != nil {
			return buf, err
		}
		if !strings.HasPrefix(r.rest, ",") {
			break
		}
		r.rest = r.rest[1:]
	}
	if !strings.HasPrefix(r.rest, "}") {
		return buf, errUnreadableResponse
	}
	r.rest = trimStart(r.rest[1:])
	return append(buf, ']'), nil
}

func (r *arrayReader) item(buf []byte) ([]byte, error) {
	r.rest = trimStart(r.rest)
	switch {
	case strings.HasPrefix(r.rest, "{"):
		return r.list(buf)
	case strings.HasPrefix(r.rest, `"`):
		value, err := r.quoted()
		if err != nil {
			return buf, err
		}
		return appendValue(buf, value, r.elem)
	}
	end := strings.IndexAny(r.rest, ",}")
	if end < 0 {
		return buf, errUnreadableResponse
	}
	// An empty array arrives here as one empty item: Neon makes [""] of it, or fails if the element is a number.
	item := trimEnd(r.rest[:end])
	r.rest = r.rest[end:]
	if item == "NULL" {
		return append(buf, "null"...), nil
	}
	return appendValue(buf, item, r.elem)
}

func (r *arrayReader) quoted() (string, error) {
	var value strings.Builder
	s := r.rest[1:]
	for {
		i := strings.IndexAny(s, `\"`)
		if i < 0 {
			return "", errUnreadableResponse
		}
		value.WriteString(s[:i])
		if s[i] == '"' {
			r.rest = trimStart(s[i+1:])
			return value.String(), nil
		}
		c, size := utf8.DecodeRuneInString(s[i+1:])
		if size == 0 {
			return "", errUnreadableResponse
		}
		value.WriteRune(c)
		s = s[i+1+size:]
	}
}
