package encoding

import (
	"fmt"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
)

// Encoding is one character set of a client. It is immutable and shared.
type Encoding struct {
	name  string
	plain bool  // UTF8 and SQL_ASCII: bytes pass as they are
	codec codec // nil: plain, or not convertible
}

// codec is the conversion of one character set. Both methods append to dst what they convert and return nil, or what was
// wrong with src; dst then ends with what stood before it.
type codec interface {
	toUTF8(dst, src []byte) ([]byte, *pgerr.Error)
	fromUTF8(dst, src []byte) ([]byte, *pgerr.Error)
}

// Lookup finds the encoding that a value of client_encoding names, as pg_char_to_encoding: case, punctuation and white space
// do not count, and all aliases are known. It also finds encodings that are not [Encoding.Convertible].
func Lookup(name string) (*Encoding, bool) {
	if len(name) > maxName {
		return nil, false
	}
	canonical, ok := aliases[cleanName(name)]
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
func (e *Encoding) Convertible() bool { return e.plain || e.codec != nil }

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
		if err := checkUTF8(src); err != nil {
			return nil, err
		}
		return append(dst, src...), nil
	}
	return e.codec.toUTF8(dst, src)
}

// FromUTF8 appends src, UTF-8, to dst in this encoding. The result may share dst's memory, never src's. On an error it
// returns nil: 22P05 for a character that the encoding does not have, 22021 for bytes that are not UTF-8.
func (e *Encoding) FromUTF8(dst, src []byte) ([]byte, *pgerr.Error) {
	if e.plain {
		return append(dst, src...), nil
	}
	return e.codec.fromUTF8(dst, src)
}
