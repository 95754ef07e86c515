package encoding

import (
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
)

// singleByte is an encoding of one byte per character, ASCII in its lower half. It is immutable.
type singleByte struct {
	name    string
	forward [256]rune     // 0: no character
	back    map[rune]byte // of the upper half
}

// newSingleByte takes a table of x/text and the bytes for which a server has another character, or 0 for none.
func newSingleByte(name string, table *charmap.Charmap, exceptions map[byte]rune) *singleByte {
	c := &singleByte{name: name, back: make(map[rune]byte, 128)}
	for i := range 256 {
		b := byte(i)
		r := table.DecodeByte(b)
		if other, ok := exceptions[b]; ok {
			r = other
		} else if r == utf8.RuneError {
			r = 0
		}
		c.forward[b] = r
		if r >= utf8.RuneSelf {
			c.back[r] = b
		}
	}
	return c
}

func (c *singleByte) toUTF8(dst, src []byte) ([]byte, *pgerr.Error) {
	for i, b := range src {
		if b > 0 && b < utf8.RuneSelf {
			dst = append(dst, b)
			continue
		}
		r := c.forward[b]
		if b == 0 {
			return nil, invalid(c.name, src[i:], 1)
		}
		if r == 0 {
			return nil, untranslatable(c.name, "UTF8", src[i:], 1)
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst, nil
}

func (c *singleByte) fromUTF8(dst, src []byte) ([]byte, *pgerr.Error) {
	for i := 0; i < len(src); {
		if b := src[i]; b > 0 && b < utf8.RuneSelf {
			dst = append(dst, b)
			i++
			continue
		}
		r, size := decode(src[i:])
		if size == 0 {
			return nil, invalid("UTF8", src[i:], lengthUTF8(src[i]))
		}
		b, ok := c.back[r]
		if !ok {
			return nil, untranslatable("UTF8", c.name, src[i:], size)
		}
		dst = append(dst, b)
		i += size
	}
	return dst, nil
}
