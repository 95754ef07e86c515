package rustjson

import "unicode/utf8"

// skip reads one value without looking into it: numbers of any size, surrogates in any order and bytes that are not UTF-8
// pass, and so does any depth.
func (d *Decoder) skip() error {
	var open []byte
	for {
		c, ok := d.space()
		if !ok {
			return d.failPeek(eofValue)
		}
		var err error
		opened := false
		switch {
		case c == 'n':
			err = d.ident("null")
		case c == 't':
			err = d.ident("true")
		case c == 'f':
			err = d.ident("false")
		case c == '-' || c >= '0' && c <= '9':
			err = d.skipNumber()
		case c == '"':
			d.eat()
			err = d.skipString()
		case c == '[' || c == '{':
			d.eat()
			open, opened = append(open, c), true
		default:
			err = d.failPeek(expectedValue)
		}
		if err != nil {
			return err
		}
		if open, err = d.skipClosing(open, opened); err != nil || len(open) == 0 {
			return err
		}
		if open[len(open)-1] == '{' {
			if err := d.skipName(); err != nil {
				return err
			}
		}
	}
}

// skipClosing goes over what may stand behind a value, or behind an opening bracket if opened, up to the next value.
func (d *Decoder) skipClosing(open []byte, opened bool) ([]byte, error) {
	for len(open) > 0 {
		frame := open[len(open)-1]
		c, ok := d.space()
		switch {
		case !ok && frame == '[':
			return open, d.failPeek(eofList)
		case !ok:
			return open, d.failPeek(eofObject)
		case c == ',' && !opened:
			d.eat()
			return open, nil
		case c == ']' && frame == '[', c == '}' && frame == '{':
			d.eat()
			open, opened = open[:len(open)-1], false
		case opened:
			return open, nil
		case frame == '[':
			return open, d.failPeek(expectedListEnd)
		default:
			return open, d.failPeek(expectedMapEnd)
		}
	}
	return open, nil
}

func (d *Decoder) skipName() error {
	switch c, ok := d.space(); {
	case !ok:
		return d.failPeek(eofObject)
	case c != '"':
		return d.failPeek(keyNotString)
	}
	d.eat()
	if err := d.skipString(); err != nil {
		return err
	}
	return d.colon()
}

func (d *Decoder) skipString() error {
	for {
		c, ok := d.next()
		switch {
		case !ok:
			return d.fail(eofString)
		case c == '"':
			return nil
		case c == '\\':
			if err := d.skipEscape(); err != nil {
				return err
			}
		case c < 0x20:
			d.at--
			return d.fail(controlCharacter)
		}
	}
}

func (d *Decoder) skipEscape() error {
	c, ok := d.next()
	if !ok {
		return d.fail(eofString)
	}
	switch c {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return nil
	case 'u':
		_, err := d.hex4()
		return err
	}
	return d.fail(invalidEscape)
}

func (d *Decoder) skipNumber() error {
	c, _ := d.next() // seen by the caller
	if c == '-' {
		var ok bool
		if c, ok = d.next(); !ok {
			return d.fail(invalidNumber)
		}
	}
	digits := func() (n int) {
		for c := d.peekOr0(); c >= '0' && c <= '9'; c = d.peekOr0() {
			d.eat()
			n++
		}
		return n
	}
	switch {
	case c == '0':
		if c := d.peekOr0(); c >= '0' && c <= '9' {
			return d.failPeek(invalidNumber)
		}
	case c >= '1' && c <= '9':
		digits()
	default:
		return d.fail(invalidNumber)
	}
	if d.peekOr0() == '.' {
		d.eat()
		if digits() == 0 {
			return d.failPeek(invalidNumber)
		}
	}
	if c := d.peekOr0(); c == 'e' || c == 'E' {
		d.eat()
		if c := d.peekOr0(); c == '+' || c == '-' {
			d.eat()
		}
		if c, ok := d.next(); !ok || c < '0' || c > '9' {
			return d.fail(invalidNumber)
		}
		digits()
	}
	return nil
}

// RawMember is one member of an object, its value as the text stands. Raw points into the decoder's text.
type RawMember struct {
	Name string
	Raw  []byte
}

// Fields reads an object whose members are taken apart by their reader. The names are checked to be UTF-8, the values only
// to be JSON.
func (d *Decoder) Fields() ([]RawMember, error) { return d.members(false) }

// BorrowedMembers reads an object as Rust's map of &str to &RawValue: a name with an escape, which could not be borrowed,
// is an error, values must be UTF-8, and a repeated name keeps its place and takes the last value.
func (d *Decoder) BorrowedMembers() ([]RawMember, error) {
	list, err := d.members(true)
	if err != nil {
		return nil, err
	}
	kept := list[:0]
	place := map[string]int{}
	for _, m := range list {
		if i, ok := place[m.Name]; ok {
			kept[i].Raw = m.Raw
			continue
		}
		place[m.Name] = len(kept)
		kept = append(kept, m)
	}
	return kept, nil
}

func (d *Decoder) members(borrow bool) ([]RawMember, error) {
	c, ok := d.space()
	if !ok {
		return nil, d.failPeek(eofValue)
	}
	if c != '{' {
		return nil, d.invalidType("a map")
	}
	d.eat()
	var list []RawMember
	for first := true; ; first = false {
		more, err := d.nextKey(first)
		if err != nil {
			return nil, err
		}
		if !more {
			d.eat()
			return list, d.End()
		}
		d.eat()
		name, borrowed, err := d.str()
		if err != nil {
			return nil, err
		}
		if borrow && !borrowed {
			// The place is taken when the end of the object has been looked for.
			if c, ok := d.space(); ok && c == '}' {
				d.eat()
			}
			return nil, d.fail("invalid type: string " + debugString(name) + ", expected a borrowed string")
		}
		if err := d.colon(); err != nil {
			return nil, err
		}
		d.space()
		start := d.at
		if err := d.skip(); err != nil {
			return nil, err
		}
		raw := d.in[start:d.at:d.at]
		if borrow && !utf8.Valid(raw) {
			return nil, d.fail(invalidUnicode)
		}
		list = append(list, RawMember{name, raw})
	}
}

// invalidType reports a value that is not what was wanted: its kind, and the value itself if it is a scalar.
func (d *Decoder) invalidType(want string) error {
	var what string
	if c, _ := d.peek(); c == '[' {
		what, d.peeked = "sequence", false
	} else {
		v, err := d.Value()
		if err != nil {
			return err
		}
		switch v.Kind {
		case Null:
			what = "null"
		case Bool:
			what = "boolean `" + string(Append(nil, v)) + "`"
		case String:
			what = "string " + debugString(v.Str)
		case Float:
			what = "floating point `" + string(Append(nil, v)) + "`"
		default:
			what = "integer `" + string(Append(nil, v)) + "`"
		}
	}
	return d.fail("invalid type: " + what + ", expected " + want)
}
