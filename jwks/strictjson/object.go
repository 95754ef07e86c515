package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"unicode/utf8"
)

// Kind is the JSON type of a value.
type Kind uint8

const (
	Null Kind = iota
	Bool
	Number
	String
	Array
	Map
)

// Limits bound what Object reads before it gives up. Zero means the default.
type Limits struct {
	Depth  int // nesting of objects and arrays, the outermost included; default 32
	Values int // values and names in all; default 4096
}

const (
	defaultDepth  = 32
	defaultValues = 4096
)

// MaxInteger is the largest integer, 2^53, up to which every JSON reader agrees.
const MaxInteger = 1 << 53

// Member is one name with its value. Raw aliases the input of [Object] and lives as long as that does.
type Member struct {
	Name string
	Kind Kind
	Raw  []byte // the value's own text, without surrounding white space
}

// Faults. They are constants without any of the input, so that they can be logged.
var (
	ErrSyntax    = errors.New("strictjson: not a JSON object")
	ErrUTF8      = errors.New("strictjson: not valid UTF-8")
	ErrDuplicate = errors.New("strictjson: a name occurs twice")
	ErrVariant   = errors.New("strictjson: two names differ by case alone")
	ErrName      = errors.New("strictjson: a name needs an escape")
	ErrString    = errors.New("strictjson: a string holds NUL or half a surrogate pair")
	ErrNumber    = errors.New("strictjson: a number is out of range")
	ErrLimit     = errors.New("strictjson: too deep or too many values")
)

// Object reads data as one JSON object and returns its members in their order. Nested objects are checked as the outermost,
// but for names that differ by case alone, which may mean something to an application. The error is one of the Err values.
func Object(data []byte, l Limits) ([]Member, error) {
	if l.Depth == 0 {
		l.Depth = defaultDepth
	}
	if l.Values == 0 {
		l.Values = defaultValues
	}
	if !utf8.Valid(data) {
		return nil, ErrUTF8
	}
	s := scanner{data: data, text: string(data), depth: l.Depth, values: l.Values}
	s.space()
	members, err := s.object(true)
	if err != nil {
		return nil, err
	}
	s.space()
	if s.pos != len(data) {
		return nil, ErrSyntax
	}
	return members, nil
}

// Text returns the value of a string.
func (m Member) Text() (string, bool) {
	if m.Kind != String {
		return "", false
	}
	return unquote(m.Raw)
}

// Integer returns the value of a number written as plain digits, with or without a minus sign, of at most [MaxInteger] in
// magnitude: 1.0, 1e3 and -0 are none.
func (m Member) Integer() (int64, bool) {
	if m.Kind != Number || bytes.ContainsAny(m.Raw, ".eE") || string(m.Raw) == "-0" {
		return 0, false
	}
	v, err := strconv.ParseInt(string(m.Raw), 10, 64)
	if err != nil || v > MaxInteger || v < -MaxInteger {
		return 0, false
	}
	return v, true
}

// Texts returns the elements of an array that holds strings alone.
func (m Member) Texts() ([]string, bool) {
	if m.Kind != Array {
		return nil, false
	}
	s := scanner{data: m.Raw, pos: 1, depth: 1, values: len(m.Raw)}
	texts := []string{}
	for {
		s.space()
		if len(texts) == 0 && s.take(']') {
			return texts, true
		}
		start := s.pos
		if s.peek() != '"' || s.literal() != nil {
			return nil, false
		}
		text, ok := unquote(m.Raw[start:s.pos])
		if !ok {
			return nil, false
		}
		texts = append(texts, text)
		s.space()
		if s.take(']') {
			return texts, true
		}
		if !s.take(',') {
			return nil, false
		}
	}
}

// unquote decodes a string literal that the scanner has accepted.
func unquote(raw []byte) (string, bool) {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1]), true
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return "", false
	}
	return text, true
}
