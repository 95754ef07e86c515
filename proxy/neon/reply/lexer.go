package reply

import (
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// maxDepth bounds the nesting of values that are skipped. The contract's deepest value has a depth of 5.
const maxDepth = 32

// maxRow is more than a DataRow body may have: int32 lengths, and Postgres' own limit of 1 GiB for one allocation.
const maxRow = 1<<30 - 1

// Error is a reply that could not be taken. Reason is from this package's closed set of sentences; it quotes nothing of
// the reply.
type Error struct {
	Reason string
	Offset int64 // bytes of the reply before the fault
	// Cause is the reader's error when the reply could not be read, else nil. It is io.ErrUnexpectedEOF when the reply
	// ended too early.
	Cause error
}

func (e *Error) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("%s at byte %d: %v", e.Reason, e.Offset, e.Cause)
	}
	return fmt.Sprintf("%s at byte %d", e.Reason, e.Offset)
}

// Unwrap gives the reader's error.
func (e *Error) Unwrap() error { return e.Cause }

var errNoProgress = errors.New("reader returns no bytes and no error")

// lexer reads JSON from a window over a reader. One goroutine owns it.
type lexer struct {
	rd   io.Reader
	buf  []byte // the window; its capacity never changes
	r, w int    // unread part of buf
	base int64  // bytes of the reply before buf[0]
	err  error  // the reader's, sticky

	scratch []byte // keys and skipped strings

	lenient bool // a NUL is dropped: an error is told even if its text is broken

	// complete is true while the reply may be one byte from its end: see [Scanner.Complete].
	complete bool
}

func (l *lexer) reset(rd io.Reader, window []byte) {
	*l = lexer{rd: rd, buf: window[:cap(window)], scratch: l.scratch[:0]}
}

// fill reads the next window. The old one must be used up.
func (l *lexer) fill() bool {
	if l.err != nil {
		return false
	}
	l.base += int64(l.w)
	l.r, l.w = 0, 0
	for range 100 {
		n, err := l.rd.Read(l.buf)
		l.w, l.err = n, err
		if n > 0 {
			return true
		}
		if err != nil {
			return false
		}
	}
	l.err = errNoProgress
	return false
}

func (l *lexer) fault(reason string) error {
	return &Error{Reason: reason, Offset: l.base + int64(l.r)}
}

// ended is the error for a reply that stops where it must go on.
func (l *lexer) ended() error {
	cause := l.err
	if cause == nil || cause == io.EOF {
		cause = io.ErrUnexpectedEOF
	}
	return &Error{Reason: "the reply ends early", Offset: l.base + int64(l.r), Cause: cause}
}

// next skips white space and takes the next byte.
func (l *lexer) next() (byte, error) {
	for {
		for l.r < l.w {
			c := l.buf[l.r]
			l.r++
			switch c {
			case ' ', '\n', '\r', '\t':
			default:
				return c, nil
			}
		}
		if !l.fill() {
			return 0, l.ended()
		}
	}
}

// raw takes the next byte, white space or not.
func (l *lexer) raw() (byte, error) {
	if l.r == l.w && !l.fill() {
		return 0, l.ended()
	}
	c := l.buf[l.r]
	l.r++
	return c, nil
}

// end reads to the end of the reply, which must be white space only.
func (l *lexer) end() error {
	l.complete = true
	for {
		for l.r < l.w {
			switch l.buf[l.r] {
			case ' ', '\n', '\r', '\t':
				l.r++
			default:
				return l.fault("bytes after the end of the reply")
			}
		}
		if !l.fill() {
			if l.err == io.EOF {
				return nil
			}
			return l.ended()
		}
	}
}

// literal takes rest, the part of null, true or false behind its first letter.
func (l *lexer) literal(rest string) error {
	for i := range len(rest) {
		c, err := l.raw()
		if err != nil {
			return err
		}
		if c != rest[i] {
			return l.fault("an unknown literal")
		}
	}
	return nil
}

// str appends the value of a string to dst; the opening quote has been taken. The value is valid UTF-8 and at most limit
// bytes long; dst may grow by one window more before that is seen.
func (l *lexer) str(dst []byte, limit int) ([]byte, error) {
	at := len(dst)
	var high uint64 // a bit of it is set if the string may hold more than ASCII
	for {
		if l.r == l.w && !l.fill() {
			return dst, l.ended()
		}
		n, h := plain(l.buf[l.r:l.w])
		high |= h
		dst = append(dst, l.buf[l.r:l.r+n]...)
		l.r += n
		if l.r == l.w {
			if len(dst)-at > limit {
				return dst, l.fault("a string is too long")
			}
			continue
		}
		c := l.buf[l.r]
		l.r++
		switch {
		case c == '"':
			// Escapes add whole runes, so the joined value is valid exactly if every raw part is.
			if high != 0 && !utf8.Valid(dst[at:]) {
				return dst, l.fault("a string is not UTF-8")
			}
			if len(dst)-at > limit {
				return dst, l.fault("a string is too long")
			}
			return dst, nil
		case c == '\\':
			var err error
			if dst, err = l.escape(dst); err != nil {
				return dst, err
			}
		default:
			return dst, l.fault("a control character in a string")
		}
	}
}

// escape appends what an escape stands for; the backslash has been taken.
func (l *lexer) escape(dst []byte) ([]byte, error) {
	c, err := l.raw()
	if err != nil {
		return dst, err
	}
	switch c {
	case '"', '\\', '/':
		return append(dst, c), nil
	case 'n':
		return append(dst, '\n'), nil
	case 't':
		return append(dst, '\t'), nil
	case 'r':
		return append(dst, '\r'), nil
	case 'b':
		return append(dst, '\b'), nil
	case 'f':
		return append(dst, '\f'), nil
	case 'u':
	default:
		return dst, l.fault("an unknown escape")
	}
	r, err := l.hex4()
	if err != nil {
		return dst, err
	}
	switch {
	case r == 0 && l.lenient:
		return dst, nil
	case r == 0:
		// Legal JSON, but no text of Postgres holds it, and in a DataRow or an ErrorResponse it would cut or forge.
		return dst, l.fault("a NUL in a string")
	case r >= 0xDC00 && r <= 0xDFFF:
		return dst, l.fault("a lone surrogate")
	case r >= 0xD800 && r <= 0xDBFF:
		for _, want := range []byte(`\u`) {
			if c, err = l.raw(); err != nil {
				return dst, err
			}
			if c != want {
				return dst, l.fault("a lone surrogate")
			}
		}
		low, err := l.hex4()
		if err != nil {
			return dst, err
		}
		if low < 0xDC00 || low > 0xDFFF {
			return dst, l.fault("a lone surrogate")
		}
		r = (r-0xD800)<<10 + (low - 0xDC00) + 0x10000
	}
	return utf8.AppendRune(dst, r), nil
}

func (l *lexer) hex4() (rune, error) {
	var r rune
	for range 4 {
		c, err := l.raw()
		if err != nil {
			return 0, err
		}
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, l.fault("a bad \\u escape")
		}
		r = r<<4 | rune(c)
	}
	return r, nil
}

// boundedStr is str for text that is kept to at most max bytes: the rest is read, checked for its syntax only, and
// dropped. What is kept may be cut inside a rune or hold invalid UTF-8.
func (l *lexer) boundedStr(dst []byte, max int) ([]byte, error) {
	at := len(dst)
	var drop [4]byte
	for {
		c, err := l.raw()
		if err != nil {
			return dst, err
		}
		full := len(dst)-at >= max
		switch {
		case c == '"':
			return dst, nil
		case c == '\\' && full:
			if _, err = l.escape(drop[:0]); err != nil {
				return dst, err
			}
		case c == '\\':
			if dst, err = l.escape(dst); err != nil {
				return dst, err
			}
		case c < ' ':
			return dst, l.fault("a control character in a string")
		case !full:
			dst = append(dst, c)
		}
	}
}
