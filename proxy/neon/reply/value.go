package reply

const (
	maxKey     = 128     // bytes of an object's key
	maxSkipped = 1 << 20 // bytes of a string under a key that nobody asks for
)

// number takes a JSON number whose first byte c has been taken and appends its text to dst, which is bounded.
func (l *lexer) number(dst []byte, c byte) ([]byte, error) {
	const longest = 64
	digit := func() bool { return c >= '0' && c <= '9' }
	// step takes c into dst and looks at the byte behind it without taking it; at the end of the reply there is none,
	// but then the value around the number is cut, and whoever reads on says so.
	step := func() error {
		if len(dst) >= longest {
			return l.fault("a number is too long")
		}
		dst = append(dst, c)
		c = 0
		if l.r < l.w || l.fill() {
			c = l.buf[l.r]
		}
		return nil
	}
	take := func() error { l.r++; return step() }

	var err error
	if c == '-' {
		if err = step(); err != nil {
			return dst, err
		}
		if !digit() {
			return dst, l.fault("a bad number")
		}
		l.r++
	}
	if c == '0' {
		err = step()
	} else if digit() {
		for err = step(); err == nil && digit(); err = take() {
		}
	} else {
		return dst, l.fault("a bad number")
	}
	if err == nil && c == '.' {
		if err = take(); err == nil && !digit() {
			return dst, l.fault("a bad number")
		}
		for err == nil && digit() {
			err = take()
		}
	}
	if err == nil && (c == 'e' || c == 'E') {
		if err = take(); err == nil && (c == '+' || c == '-') {
			err = take()
		}
		if err == nil && !digit() {
			return dst, l.fault("a bad number")
		}
		for err == nil && digit() {
			err = take()
		}
	}
	return dst, err
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
