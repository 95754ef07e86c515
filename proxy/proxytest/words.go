package proxytest

import (
	"fmt"
	"strconv"
	"strings"
)

// words is the rest of a script's line, taken word by word: bare words, quoted strings as in Go, and lists in
// parentheses.
type words struct {
	rest string
	err  error
}

func (w *words) fail(format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf(format, args...)
	}
	w.rest = ""
}

func (w *words) done() bool {
	w.rest = strings.TrimLeft(w.rest, " \t")
	return w.rest == ""
}

// bare takes a word that ends at a space or parenthesis.
func (w *words) bare() string {
	if w.done() {
		w.fail("a word is missing")
		return ""
	}
	end := strings.IndexAny(w.rest, " \t()")
	switch end {
	case -1:
		end = len(w.rest)
	case 0:
		end = 1
	}
	word := w.rest[:end]
	w.rest = w.rest[end:]
	return word
}

// letter takes a word of one byte: a message's type, or the kind of an object.
func (w *words) letter() byte {
	word := w.bare()
	if len(word) != 1 {
		w.fail("%q is not one byte", word)
		return 0
	}
	return word[0]
}

// text takes a quoted string.
func (w *words) text() string {
	if w.done() {
		w.fail("a quoted string is missing")
		return ""
	}
	quoted, err := strconv.QuotedPrefix(w.rest)
	if err != nil {
		w.fail("%.20q does not start with a quoted string", w.rest)
		return ""
	}
	w.rest = w.rest[len(quoted):]
	s, err := strconv.Unquote(quoted)
	if err != nil {
		w.fail("%s: %v", quoted, err)
	}
	return s
}

// number takes a number of that many bits, which may be negative.
func (w *words) number(bits int) int64 {
	word := w.bare()
	n, err := strconv.ParseInt(word, 0, bits)
	if err != nil {
		w.fail("%q is no number of %d bits", word, bits)
	}
	return n
}

// list takes ( item item ... ).
func (w *words) list(item func()) {
	if w.bare() != "(" {
		w.fail("a list in parentheses is missing")
	}
	for w.err == nil {
		if w.done() {
			w.fail("the list has no end")
			return
		}
		if w.rest[0] == ')' {
			w.rest = w.rest[1:]
			return
		}
		item()
	}
}

// value takes a quoted string or NULL, which is nil.
func (w *words) value() []byte {
	if !w.done() && w.rest[0] != '"' && w.rest[0] != '`' {
		if word := w.bare(); word != "NULL" {
			w.fail("%q is neither a quoted string nor NULL", word)
		}
		return nil
	}
	return append([]byte{}, w.text()...)
}
