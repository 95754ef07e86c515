package rustjson

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// maxDepth is the number of arrays and objects that may be open at once, plus one.
const maxDepth = 128

// Decoder reads values from one text. It does not change the text and keeps no part of it beyond the values returned.
type Decoder struct {
	in    []byte
	at    int
	depth int
	// stream is set for a text that the reader takes byte by byte: there a peeked byte counts as read in positions.
	stream bool
	peeked bool
}

// NewDecoder reads text as serde_json::from_slice does.
func NewDecoder(text []byte) *Decoder { return &Decoder{in: text, depth: maxDepth} }

// NewStreamDecoder reads text as serde_json::from_reader does, which differs in the columns of some errors.
func NewStreamDecoder(text []byte) *Decoder { return &Decoder{in: text, depth: maxDepth, stream: true} }

func itoa(n int) string { return strconv.Itoa(n) }

// fail makes an error at the last byte read; failPeek one at the byte looked at.
func (d *Decoder) fail(reason string) error {
	if d.stream && d.peeked {
		return d.errorAt(reason, min(d.at+1, len(d.in)))
	}
	return d.errorAt(reason, d.at)
}

func (d *Decoder) failPeek(reason string) error {
	if d.stream {
		return d.fail(reason)
	}
	return d.errorAt(reason, min(len(d.in), d.at+1))
}

func (d *Decoder) errorAt(reason string, at int) error {
	line := 1 + bytes.Count(d.in[:at], []byte{'\n'})
	start := bytes.LastIndexByte(d.in[:at], '\n') + 1
	return &Error{Reason: reason, Line: line, Column: at - start}
}

func (d *Decoder) peek() (byte, bool) {
	if d.at >= len(d.in) {
		return 0, false
	}
	d.peeked = true
	return d.in[d.at], true
}

// peekOr0 is NUL at the end, as a NUL in the text is never valid there either.
func (d *Decoder) peekOr0() byte {
	c, _ := d.peek()
	return c
}

func (d *Decoder) eat() { d.at++; d.peeked = false }

func (d *Decoder) next() (byte, bool) {
	if d.at >= len(d.in) {
		return 0, false
	}
	c := d.in[d.at]
	d.eat()
	return c, true
}

// space skips white space and looks at the next byte.
func (d *Decoder) space() (byte, bool) {
	in, at := d.in, d.at
	for at < len(in) && (in[at] == ' ' || in[at] == '\n' || in[at] == '\t' || in[at] == '\r') {
		at++
	}
	d.at, d.peeked = at, at < len(in)
	if at == len(in) {
		return 0, false
	}
	return in[at], true
}

// End reports anything but white space after the value.
func (d *Decoder) End() error {
	if _, ok := d.space(); ok {
		return d.failPeek(trailingChars)
	}
	return nil
}

// Value reads one value whole.
func (d *Decoder) Value() (Value, error) {
	c, ok := d.space()
	if !ok {
		return Value{}, d.failPeek(eofValue)
	}
	switch {
	case c == 'n':
		return Value{Kind: Null}, d.ident("null")
	case c == 't':
		return Value{Kind: Bool, Bool: true}, d.ident("true")
	case c == 'f':
		return Value{Kind: Bool}, d.ident("false")
	case c == '-' || c >= '0' && c <= '9':
		return d.number()
	case c == '"':
		d.eat()
		s, _, err := d.str()
		return Value{Kind: String, Str: s}, err
	case c == '[':
		return d.array()
	case c == '{':
		return d.object()
	}
	return Value{}, d.failPeek(expectedValue)
}

func (d *Decoder) ident(word string) error {
	d.eat()
	for i := 1; i < len(word); i++ {
		c, ok := d.next()
		if !ok {
			return d.fail(eofValue)
		}
		if c != word[i] {
			return d.fail(expectedIdent)
		}
	}
	return nil
}

func (d *Decoder) enter() error {
	d.depth--
	if d.depth == 0 {
		return d.failPeek(recursionLimit)
	}
	d.eat()
	return nil
}

func (d *Decoder) array() (Value, error) {
	v := Value{Kind: Array}
	if err := d.enter(); err != nil {
		return v, err
	}
	for first := true; ; first = false {
		more, err := d.nextElement(first)
		if err != nil {
			return v, err
		}
		if !more {
			break
		}
		item, err := d.Value()
		if err != nil {
			return v, err
		}
		v.Items = append(v.Items, item)
	}
	d.depth++
	d.eat() // the bracket that nextElement saw
	return v, nil
}

// nextElement stands before an element, or reports that the array ends here.
func (d *Decoder) nextElement(first bool) (bool, error) {
	c, ok := d.space()
	switch {
	case !ok:
		return false, d.failPeek(eofList)
	case c == ']':
		return false, nil
	case first:
		return true, nil
	case c != ',':
		return false, d.failPeek(expectedListEnd)
	}
	d.eat()
	switch c, ok := d.space(); {
	case !ok:
		return false, d.failPeek(eofValue)
	case c == ']':
		return false, d.failPeek(trailingComma)
	}
	return true, nil
}

func (d *Decoder) object() (Value, error) {
	v := Value{Kind: Object}
	if err := d.enter(); err != nil {
		return v, err
	}
	for first := true; ; first = false {
		more, err := d.nextKey(first)
		if err != nil {
			return v, err
		}
		if !more {
			break
		}
		d.eat()
		name, _, err := d.str()
		if err != nil {
			return v, err
		}
		if err := d.colon(); err != nil {
			return v, err
		}
		item, err := d.Value()
		if err != nil {
			return v, err
		}
		v.Pairs = append(v.Pairs, Member{name, item})
	}
	d.depth++
	d.eat() // the brace that nextKey saw
	return v, nil
}

// nextKey stands before the quote of a name, or reports that the object ends here.
func (d *Decoder) nextKey(first bool) (bool, error) {
	c, ok := d.space()
	switch {
	case !ok:
		return false, d.failPeek(eofObject)
	case c == '}':
		return false, nil
	case first && c == '"':
		return true, nil
	case first:
		return false, d.failPeek(keyNotString)
	case c != ',':
		return false, d.failPeek(expectedMapEnd)
	}
	d.eat()
	switch c, ok := d.space(); {
	case !ok:
		return false, d.failPeek(eofValue)
	case c == '"':
		return true, nil
	case c == '}':
		return false, d.failPeek(trailingComma)
	}
	return false, d.failPeek(keyNotString)
}

func (d *Decoder) colon() error {
	switch c, ok := d.space(); {
	case !ok:
		return d.failPeek(eofObject)
	case c != ':':
		return d.failPeek(expectedColon)
	}
	d.eat()
	return nil
}

// str reads a string behind its opening quote. borrowed says that the text held no escape.
func (d *Decoder) str() (s string, borrowed bool, err error) {
	start, borrowed := d.at, true
	var buf []byte
	for {
		in, at := d.in, d.at
		for at < len(in) && in[at] >= 0x20 && in[at] != '"' && in[at] != '\\' {
			at++
		}
		d.at = at
		c, ok := d.next()
		switch {
		case !ok:
			return "", false, d.fail(eofString)
		case c == '"':
			buf = append(buf, d.in[start:d.at-1]...)
			if !utf8.Valid(buf) {
				return "", false, d.fail(invalidUnicode)
			}
			return string(buf), borrowed, nil
		case c == '\\':
			buf = append(buf, d.in[start:d.at-1]...)
			if buf, err = d.escape(buf); err != nil {
				return "", false, err
			}
			start, borrowed = d.at, false
		case c < 0x20:
			return "", false, d.fail(controlCharacter)
		}
	}
}

func (d *Decoder) escape(buf []byte) ([]byte, error) {
	c, ok := d.next()
	if !ok {
		return nil, d.fail(eofString)
	}
	switch c {
	case '"', '\\', '/':
		return append(buf, c), nil
	case 'b':
		return append(buf, '\b'), nil
	case 'f':
		return append(buf, '\f'), nil
	case 'n':
		return append(buf, '\n'), nil
	case 'r':
		return append(buf, '\r'), nil
	case 't':
		return append(buf, '\t'), nil
	case 'u':
		return d.unicodeEscape(buf)
	}
	return nil, d.fail(invalidEscape)
}

func (d *Decoder) unicodeEscape(buf []byte) ([]byte, error) {
	high, err := d.hex4()
	if err != nil {
		return nil, err
	}
	if high >= 0xDC00 && high <= 0xDFFF {
		return nil, d.fail(loneSurrogate)
	}
	if high < 0xD800 || high > 0xDBFF {
		return utf8.AppendRune(buf, high), nil
	}
	for _, want := range []byte{'\\', 'u'} {
		c, ok := d.next()
		if !ok {
			return nil, d.fail(eofString)
		}
		if c != want {
			return nil, d.fail(endOfHexEscape)
		}
	}
	low, err := d.hex4()
	if err != nil {
		return nil, err
	}
	if low < 0xDC00 || low > 0xDFFF {
		return nil, d.fail(loneSurrogate)
	}
	return utf8.AppendRune(buf, 0x10000+(high-0xD800)<<10+(low-0xDC00)), nil
}

func (d *Decoder) hex4() (rune, error) {
	if !d.stream && d.at+4 > len(d.in) {
		d.at = len(d.in)
		return 0, d.fail(eofString)
	}
	var r rune
	for range 4 {
		c, ok := d.next()
		if !ok {
			return 0, d.fail(eofString)
		}
		if digit := hexDigit(c); digit < 0 || r < 0 {
			r = -1 // said after all four were read
		} else {
			r = r<<4 | digit
		}
	}
	if r < 0 {
		return 0, d.fail(invalidEscape)
	}
	return r, nil
}

func hexDigit(c byte) rune {
	switch {
	case c >= '0' && c <= '9':
		return rune(c - '0')
	case c >= 'a' && c <= 'f':
		return rune(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return rune(c-'A') + 10
	}
	return -1
}
