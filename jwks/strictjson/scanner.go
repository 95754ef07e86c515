package strictjson

import (
	"bytes"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// scanner walks one JSON text. It is owned by one call of Object or Texts.
type scanner struct {
	data   []byte
	text   string // data, for the names of the outermost object
	pos    int
	depth  int // levels of nesting left
	values int // values and names left
}

// peek returns the next byte, 0 at the end: NUL begins no JSON token.
func (s *scanner) peek() byte {
	if s.pos < len(s.data) {
		return s.data[s.pos]
	}
	return 0
}

func (s *scanner) take(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.pos++
	return true
}

func (s *scanner) space() {
	for {
		switch s.peek() {
		case ' ', '\t', '\r', '\n':
			s.pos++
		default:
			return
		}
	}
}

func (s *scanner) count() error {
	if s.values--; s.values < 0 {
		return ErrLimit
	}
	return nil
}

func (s *scanner) enter() error {
	if s.depth--; s.depth < 0 {
		return ErrLimit
	}
	return nil
}

func (s *scanner) value() (Kind, error) {
	if err := s.count(); err != nil {
		return 0, err
	}
	switch c := s.peek(); c {
	case '{':
		_, err := s.object(false)
		return Map, err
	case '[':
		return Array, s.array()
	case '"':
		return String, s.literal()
	case 't':
		return Bool, s.word("true")
	case 'f':
		return Bool, s.word("false")
	case 'n':
		return Null, s.word("null")
	default:
		return Number, s.number()
	}
}

// object reads an object. Only the outermost one gives its members and is searched for case variants.
func (s *scanner) object(outermost bool) ([]Member, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	if !s.take('{') {
		return nil, ErrSyntax
	}
	var members []Member
	names := names{fold: outermost}
	if outermost {
		names.few = make([][]byte, 0, min(bytes.Count(s.data, []byte(":")), manyNames))
		members = make([]Member, 0, cap(names.few))
	}
	for first := true; ; first = false {
		s.space()
		if first && s.take('}') {
			break
		}
		nameStart := s.pos + 1
		name, err := s.name()
		if err != nil {
			return nil, err
		}
		if err := names.add(name); err != nil {
			return nil, err
		}
		s.space()
		if !s.take(':') {
			return nil, ErrSyntax
		}
		s.space()
		start := s.pos
		kind, err := s.value()
		if err != nil {
			return nil, err
		}
		if outermost {
			members = append(members, Member{Name: s.text[nameStart : nameStart+len(name)], Kind: kind, Raw: s.data[start:s.pos]})
		}
		s.space()
		if s.take('}') {
			break
		}
		if !s.take(',') {
			return nil, ErrSyntax
		}
	}
	s.depth++
	return members, nil
}

func (s *scanner) array() error {
	if err := s.enter(); err != nil {
		return err
	}
	s.pos++ // '[', seen by value
	for first := true; ; first = false {
		s.space()
		if first && s.take(']') {
			break
		}
		if _, err := s.value(); err != nil {
			return err
		}
		s.space()
		if s.take(']') {
			break
		}
		if !s.take(',') {
			return ErrSyntax
		}
	}
	s.depth++
	return nil
}

// name reads a member's name. Neon's reader borrows names from the input, so one that needs an escape fails there
// ("expected a borrowed string"): it fails here first.
func (s *scanner) name() ([]byte, error) {
	if err := s.count(); err != nil {
		return nil, err
	}
	if s.peek() != '"' {
		return nil, ErrSyntax
	}
	start := s.pos
	if err := s.literal(); err != nil {
		return nil, err
	}
	name := s.data[start+1 : s.pos-1]
	for _, c := range name {
		if c == '\\' {
			return nil, ErrName
		}
	}
	return name, nil
}

// literal reads a string literal; pos stands on its opening quote.
func (s *scanner) literal() error {
	s.pos++
	for {
		c := s.peek()
		switch {
		case c == '"':
			s.pos++
			return nil
		case c == '\\':
			if err := s.escape(); err != nil {
				return err
			}
		case c < 0x20: // also the end of the input
			return ErrSyntax
		default:
			s.pos++
		}
	}
}

func (s *scanner) escape() error {
	s.pos++
	switch s.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.pos++
		return nil
	case 'u':
	default:
		return ErrSyntax
	}
	unit, err := s.unit()
	if err != nil {
		return err
	}
	switch {
	case unit == 0: // Postgres' text and jsonb cannot hold it
		return ErrString
	case unit < 0xD800 || unit > 0xDFFF:
		return nil
	case unit >= 0xDC00 || !s.take('\\') || s.peek() != 'u':
		return ErrString
	}
	if unit, err = s.unit(); err != nil {
		return err
	}
	if unit < 0xDC00 || unit > 0xDFFF {
		return ErrString
	}
	return nil
}

// unit reads a u and its four hexadecimal digits.
func (s *scanner) unit() (uint64, error) {
	if s.pos+5 > len(s.data) {
		return 0, ErrSyntax
	}
	digits := s.data[s.pos+1 : s.pos+5]
	for _, c := range digits {
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F') {
			return 0, ErrSyntax
		}
	}
	unit, err := strconv.ParseUint(string(digits), 16, 16)
	if err != nil {
		return 0, ErrSyntax
	}
	s.pos += 5
	return unit, nil
}

func (s *scanner) word(word string) error {
	if len(s.data)-s.pos < len(word) || string(s.data[s.pos:s.pos+len(word)]) != word {
		return ErrSyntax
	}
	s.pos += len(word)
	return nil
}

func (s *scanner) digits() bool {
	start := s.pos
	for c := s.peek(); c >= '0' && c <= '9'; c = s.peek() {
		s.pos++
	}
	return s.pos > start
}

func (s *scanner) number() error {
	start := s.pos
	s.take('-')
	if !s.take('0') && !s.digits() {
		return ErrSyntax
	}
	if s.take('.') && !s.digits() {
		return ErrSyntax
	}
	exponent := s.take('e') || s.take('E')
	if exponent {
		if !s.take('+') {
			s.take('-')
		}
		if !s.digits() {
			return ErrSyntax
		}
	}
	if !exponent && s.pos-start < 300 { // below 10^300
		return nil
	}
	if _, err := strconv.ParseFloat(string(s.data[start:s.pos]), 64); err != nil {
		return ErrNumber
	}
	return nil
}

// names are those of one object so far.
type names struct {
	fold bool                // case variants are refused too
	few  [][]byte            // up to manyNames, compared one by one
	many map[string]struct{} // beyond: an object of thousands must not cost their square
}

const manyNames = 24

func (n *names) add(name []byte) error {
	if n.many == nil {
		for _, seen := range n.few {
			if bytes.Equal(seen, name) {
				return ErrDuplicate
			}
			if n.fold && bytes.EqualFold(seen, name) {
				return ErrVariant
			}
		}
		n.few = append(n.few, name)
		if len(n.few) < manyNames {
			return nil
		}
		n.many = make(map[string]struct{}, 4*manyNames)
		for _, seen := range n.few {
			n.many[n.key(seen)] = struct{}{}
		}
		return nil
	}
	key := n.key(name)
	if _, seen := n.many[key]; seen {
		return ErrDuplicate
	}
	n.many[key] = struct{}{}
	return nil
}

func (n *names) key(name []byte) string {
	if n.fold {
		return foldName(string(name))
	}
	return string(name)
}

// foldName maps all case variants of a name, as Go's encoding/json sees them, to one ("sub", "SUB" and "\u017fub").
func foldName(name string) string {
	folded := make([]byte, 0, len(name))
	for _, r := range name {
		if r < utf8.RuneSelf {
			if 'a' <= r && r <= 'z' {
				r -= 'a' - 'A'
			}
			folded = append(folded, byte(r))
			continue
		}
		least := r
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			least = min(least, other)
		}
		folded = utf8.AppendRune(folded, least)
	}
	return string(folded)
}

// SameButCase reports whether name is a case variant of want, and not want itself.
func SameButCase(name, want string) bool {
	return name != want && strings.EqualFold(name, want)
}
