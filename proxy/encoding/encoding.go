package encoding

import (
	"fmt"
	"unicode/utf8"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
)

// Encoding is one character set of a client. It is immutable and shared.
type Encoding struct {
	name  string
	plain bool // UTF8 and SQL_ASCII: bytes pass as they are
	shape shape
	table func() *table // nil: plain, or not convertible
}

// Lookup finds the encoding that a value of client_encoding names, as pg_char_to_encoding: case, punctuation and white space
// do not count, all aliases are known, and what is behind the 63rd byte is cut off (truncate_identifier). It also finds encodings that are not [Encoding.Convertible].
func Lookup(name string) (*Encoding, bool) {
	canonical, ok := aliases[cleanName(name[:min(len(name), maxName)])]
	if !ok {
		return nil, false
	}
	return encodings[canonical], true
}

// Name is the encoding's name as SHOW client_encoding prints it.
func (e *Encoding) Name() string { return e.name }

// UTF8 reports that there is nothing to convert: the encoding is UTF8, or SQL_ASCII, whose bytes a server of encoding UTF8
// takes and gives as UTF-8.
func (e *Encoding) UTF8() bool { return e.plain }

// Convertible reports whether ToUTF8 and FromUTF8 can be called.
func (e *Encoding) Convertible() bool { return e.plain || e.table != nil }

// Refusal is the error of setting client_encoding to an encoding that is not convertible, 0A000; nil for one that is.
func (e *Encoding) Refusal() *pgerr.Error {
	switch {
	case e.Convertible():
		return nil
	case e.name == "MULE_INTERNAL": // a UTF8 server does not convert it either
		return pgerr.New(pgerr.FeatureNotSupported, `invalid value for parameter "client_encoding": "%s"`, e.name).
			WithDetail("Conversion between %s and UTF8 is not supported.", e.name)
	default:
		return pgerr.Unsupported(fmt.Sprintf("client_encoding %s", e.name), "Set client_encoding to UTF8.")
	}
}

// ToUTF8 appends src, text in this encoding, to dst as UTF-8. The result may share dst's memory, never src's. On an error it
// returns nil: 22021 for bytes that are no character (a NUL too), 22P05 for a character that has no place in Unicode's
// table of this encoding.
func (e *Encoding) ToUTF8(dst, src []byte) ([]byte, *pgerr.Error) {
	if e.plain {
		if err := CheckUTF8(src); err != nil {
			return nil, err
		}
		return append(dst, src...), nil
	}
	t := e.table()
	for i := 0; i < len(src); {
		if n := leadingASCII(src[i:]); n > 0 {
			dst = append(dst, src[i:i+n]...)
			i += n
			continue
		}
		c, n := e.first(t, src[i:])
		if n == 0 {
			return nil, invalid(e.name, src[i:], e.promised(src[i:]))
		}
		if c == 0 {
			return nil, untranslatable(e.name, "UTF8", src[i:], e.promised(src[i:]))
		}
		dst = utf8.AppendRune(dst, c)
		i += n
	}
	return dst, nil
}

// FromUTF8 appends src, UTF-8, to dst in this encoding. The result may share dst's memory, never src's. On an error it
// returns nil: 22P05 for a character that the encoding does not have, 22021 for bytes that are not UTF-8.
func (e *Encoding) FromUTF8(dst, src []byte) ([]byte, *pgerr.Error) {
	if e.plain {
		return append(dst, src...), nil
	}
	t := e.table()
	for i := 0; i < len(src); {
		if n := leadingASCII(src[i:]); n > 0 {
			dst = append(dst, src[i:i+n]...)
			i += n
			continue
		}
		c, n := decode(src[i:])
		if n == 0 {
			return nil, invalid("UTF8", src[i:], lengthUTF8(src[i]))
		}
		code := t.code(c)
		if code == 0 {
			return nil, untranslatable("UTF8", e.name, src[i:], n)
		}
		dst = appendCode(dst, code)
		i += n
	}
	return dst, nil
}

// first is the character at the start of b, which is no ASCII, and its length: 0 if there is none, the character 0 if it has
// none in Unicode.
func (e *Encoding) first(t *table, b []byte) (rune, int) {
	if b[0] == 0 {
		return 0, 0
	}
	n := e.shape.length(b)
	if n == 0 {
		return 0, 0
	}
	return t.char(codeOf(b[:n])), n
}

// promised is how many bytes an error about the start of rest names.
func (e *Encoding) promised(rest []byte) int {
	if rest[0] < utf8.RuneSelf {
		return 1
	}
	return e.shape.promised(rest)
}

// leadingASCII is the number of bytes before the first that is not ASCII, or NUL.
func leadingASCII(b []byte) int {
	for i, c := range b {
		if c == 0 || c >= utf8.RuneSelf {
			return i
		}
	}
	return len(b)
}
