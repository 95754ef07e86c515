package reply

import (
	"encoding/binary"
	"math"
	"strconv"

	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// The keys of a field, as indices into fieldKeys.
const (
	fieldName = iota
	fieldType
	fieldTable
	fieldColumn
	fieldSize
	fieldModifier
	fieldFormat
)

var fieldKeys = []string{fieldName: "name", fieldType: "dataTypeID", fieldTable: "tableID", fieldColumn: "columnID",
	fieldSize: "dataTypeSize", fieldModifier: "dataTypeModifier", fieldFormat: "format"}

// takeFields takes the list of fields, tells the sink and hands over the rows that came before it.
func (s *Scanner) takeFields(c byte) error {
	if c != '[' {
		return s.fault("fields is no list")
	}
	if err := s.list(s.field); err != nil {
		return err
	}
	if s.width >= 0 && s.width != len(s.fields) {
		return s.fault("a row has another number of columns than the fields")
	}
	s.width = len(s.fields)
	if err := s.sink.Fields(s.i, s.fields); err != nil {
		return err
	}
	for held := s.held; len(held) > 0; {
		end := 4 + int(binary.BigEndian.Uint32(held))
		if err := s.sink.EndRow(append(s.sink.NextRow(), held[4:end]...)); err != nil {
			return err
		}
		held = held[end:]
	}
	s.held = s.held[:0]
	return nil
}

func (s *Scanner) field(c byte) error {
	if c != '{' {
		return s.fault("a field is no object")
	}
	if len(s.fields) == maxFields {
		return s.fault("too many fields")
	}
	var keys keySet
	var f upstream.Field
	err := s.object(false, func(key []byte, c byte) error {
		at, err := keys.add(&s.lexer, key, fieldKeys...)
		if err != nil {
			return err
		}
		var v int64
		switch at {
		case fieldName:
			if c != '"' {
				return s.fault("a field's name is no string")
			}
			if s.scratch, err = s.str(s.scratch[:0], maxName); err == nil {
				f.Name = string(s.scratch)
			}
		case fieldType:
			v, err = s.integer(c, 0, math.MaxUint32)
			f.TypeOID = uint32(v)
		case fieldTable:
			v, err = s.integer(c, 0, math.MaxUint32)
			f.TableOID = uint32(v)
		case fieldColumn: // negative for system columns; the wire has the same 16 bits
			v, err = s.integer(c, math.MinInt16, math.MaxInt16)
			f.Column = uint16(v)
		case fieldSize:
			v, err = s.integer(c, math.MinInt16, math.MaxInt16)
			f.TypeSize = int16(v)
		case fieldModifier:
			v, err = s.integer(c, math.MinInt32, math.MaxInt32)
			f.TypeMod = int32(v)
		case fieldFormat:
			if c != '"' {
				return s.fault("a field's format is not text")
			}
			if s.scratch, err = s.str(s.scratch[:0], maxKey); err == nil && string(s.scratch) != "text" {
				err = s.fault("a field's format is not text")
			}
		default:
			err = s.skip(c, 1)
		}
		return err
	})
	if err != nil {
		return err
	}
	if !keys.has(len(fieldKeys)) {
		return s.fault("a field lacks a key")
	}
	s.fields = append(s.fields, f)
	return nil
}

// integer takes a number without fraction and exponent from lo to hi.
func (l *lexer) integer(c byte, lo, hi int64) (int64, error) {
	var room [24]byte
	text, err := l.number(room[:0], c)
	if err != nil {
		return 0, err
	}
	v, convErr := strconv.ParseInt(string(text), 10, 64)
	if convErr != nil || v < lo || v > hi {
		return 0, l.fault("a number is no integer of its range")
	}
	return v, nil
}

// keySet holds the keys seen in one object. A key that comes twice is refused: which one counts is anybody's guess.
type keySet struct {
	known  uint32
	others []string
}

// add takes key and returns its index in names, -1 if it is none of them.
func (k *keySet) add(l *lexer, key []byte, names ...string) (int, error) {
	for i, name := range names {
		if string(key) == name {
			if k.seen(i) {
				return 0, l.fault("a key comes twice")
			}
			k.known |= 1 << i
			return i, nil
		}
	}
	for _, other := range k.others {
		if string(key) == other {
			return 0, l.fault("a key comes twice")
		}
	}
	if len(k.others) == 32 {
		return 0, l.fault("too many unknown keys")
	}
	k.others = append(k.others, string(key))
	return -1, nil
}

func (k *keySet) seen(i int) bool { return k.known&(1<<i) != 0 }

// has reports whether the first n known keys were all seen.
func (k *keySet) has(n int) bool { return k.known&(1<<n-1) == 1<<n-1 }
