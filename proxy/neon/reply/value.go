package reply

const (
	maxKey     = 128     // bytes of an object's key
	maxSkipped = 1 << 20 // bytes of a string under a key that nobody asks for
)

// number takes a JSON number whose first byte c has been taken and appends its text to dst.
func (l *lexer) number(dst []byte, c byte) ([]byte, error) {
	n := numeral{l: l, dst: dst, c: c}
	if n.c == '-' {
		n.keep()
		if n.more && n.c >= '0' && n.c <= '9' {
			l.r++ // as c was
		}
	}
	if n.c == '0' {
		n.keep()
	} else {
		if n.digit() {
			n.keep()
		} else {
			n.bad()
		}
		n.digits()
	}
	if n.c == '.' {
		n.take()
		n.atLeastOne()
	}
	if n.c == 'e' || n.c == 'E' {
		n.take()
		if n.c == '+' || n.c == '-' {
			n.take()
		}
		n.atLeastOne()
	}
	return n.dst, n.err
}

// numeral is a number in the course of being taken. After an error it stands still.
type numeral struct {
	l    *lexer
	dst  []byte
	c    byte // the next byte, looked at but not taken; 0 at the end of the reply
	more bool // there is one
	err  error
}

// keep appends c, which has been taken, and looks at the byte behind it. If the reply ends there, whoever reads on says so.
func (n *numeral) keep() {
	const longest = 64
	if n.err == nil && len(n.dst) == longest {
		n.err = n.l.fault("a number is too long")
	}
	if n.err != nil {
		n.c, n.more = 0, false
		return
	}
	n.dst = append(n.dst, n.c)
	if n.more = n.l.r < n.l.w || n.l.fill(); n.more {
		n.c = n.l.buf[n.l.r]
	} else {
		n.c = 0
	}
}

func (n *numeral) take() {
	n.l.r++
	n.keep()
}

func (n *numeral) digit() bool { return n.c >= '0' && n.c <= '9' }

func (n *numeral) digits() {
	for n.digit() {
		n.take()
	}
}

func (n *numeral) atLeastOne() {
	if !n.digit() {
		n.bad()
	}
	n.digits()
}

func (n *numeral) bad() {
	switch {
	case n.err != nil:
	case len(n.dst) > 0 && !n.more:
		n.err = n.l.ended()
	default:
		n.err = n.l.fault("a bad number")
	}
	n.c, n.more = 0, false
}

// skip takes one whole value whose first byte c has been taken, checks its syntax and drops it.
func (l *lexer) skip(c byte, depth int) error {
	if depth > maxDepth {
		return l.fault("values are nested too deep")
	}
	switch c {
	case '"':
		var err error
		l.scratch, err = l.str(l.scratch[:0], maxSkipped)
		return err
	case 'n':
		return l.literal("ull")
	case 't':
		return l.literal("rue")
	case 'f':
		return l.literal("alse")
	case '[':
		return l.list(func(c byte) error { return l.skip(c, depth+1) })
	case '{':
		return l.object(false, func(_ []byte, c byte) error { return l.skip(c, depth+1) })
	}
	var text [64]byte
	_, err := l.number(text[:0], c)
	return err
}

// list takes the items of a list; the opening bracket has been taken. item gets each item's first byte.
func (l *lexer) list(item func(c byte) error) error {
	c, err := l.next()
	if err != nil {
		return err
	}
	if c == ']' {
		return nil
	}
	for {
		if err = item(c); err != nil {
			return err
		}
		if c, err = l.next(); err != nil {
			return err
		}
		if c == ']' {
			return nil
		}
		if c != ',' {
			return l.fault("a list is broken")
		}
		if c, err = l.next(); err != nil {
			return err
		}
	}
}

// object takes the members of an object; the opening brace has been taken. member gets each key, valid for the call
// only, and its value's first byte. last says that the reply may end with this object's closing brace.
func (l *lexer) object(last bool, member func(key []byte, c byte) error) error {
	c, err := l.next()
	if err != nil {
		return err
	}
	if c == '}' {
		return nil
	}
	for {
		if c != '"' {
			return l.fault("an object is broken")
		}
		if l.scratch, err = l.str(l.scratch[:0], maxKey); err != nil {
			return err
		}
		key := l.scratch
		if c, err = l.next(); err != nil {
			return err
		}
		if c != ':' {
			return l.fault("an object is broken")
		}
		if c, err = l.next(); err != nil {
			return err
		}
		if err = member(key, c); err != nil {
			return err
		}
		l.complete = last
		if c, err = l.next(); err != nil {
			return err
		}
		if c == '}' {
			return nil
		}
		if c != ',' {
			return l.fault("an object is broken")
		}
		l.complete = false
		if c, err = l.next(); err != nil {
			return err
		}
	}
}
