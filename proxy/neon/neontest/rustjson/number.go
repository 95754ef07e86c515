package rustjson

import (
	"math"
	"strconv"
)

// number reads a number from its first byte. Digits beyond 64 bits are dropped and become powers of ten, and the result
// is computed in double precision step by step, so it may be off in the last place: that is what Neon does.
func (d *Decoder) number() (Value, error) {
	negative := d.in[d.at] == '-'
	if negative {
		d.eat()
	}
	c, ok := d.next()
	switch {
	case !ok:
		return Value{}, d.fail(eofValue)
	case c == '0':
		if c := d.peekOr0(); c >= '0' && c <= '9' {
			return Value{}, d.failPeek(invalidNumber)
		}
		return d.fraction(negative, 0)
	case c < '1' || c > '9':
		return Value{}, d.fail(invalidNumber)
	}
	significand := uint64(c - '0')
	for {
		c := d.peekOr0()
		if c < '0' || c > '9' {
			return d.fraction(negative, significand)
		}
		digit := uint64(c - '0')
		if overflows(significand, digit) {
			return d.long(negative, significand)
		}
		d.eat()
		significand = significand*10 + digit
	}
}

func overflows(n, digit uint64) bool {
	return n >= math.MaxUint64/10 && (n > math.MaxUint64/10 || digit > math.MaxUint64%10)
}

// long reads the digits that do not fit any more.
func (d *Decoder) long(negative bool, significand uint64) (Value, error) {
	for exponent := 0; ; exponent++ {
		switch c := d.peekOr0(); {
		case c >= '0' && c <= '9':
			d.eat()
		case c == '.':
			return d.decimal(negative, significand, exponent)
		case c == 'e' || c == 'E':
			return d.exponent(negative, significand, exponent)
		default:
			return d.float(negative, significand, exponent)
		}
	}
}

func (d *Decoder) fraction(negative bool, significand uint64) (Value, error) {
	switch d.peekOr0() {
	case '.':
		return d.decimal(negative, significand, 0)
	case 'e', 'E':
		return d.exponent(negative, significand, 0)
	}
	if !negative {
		return Value{Kind: Uint, Uint: significand}, nil
	}
	if significand == 0 || significand > 1<<63 {
		return Value{Kind: Float, Float: math.Copysign(float64(significand), -1)}, nil
	}
	return Value{Kind: Int, Int: int64(-significand)}, nil
}

func (d *Decoder) decimal(negative bool, significand uint64, exponent int) (Value, error) {
	d.eat() // the point
	digits := 0
	for {
		c := d.peekOr0()
		if c < '0' || c > '9' {
			break
		}
		digit := uint64(c - '0')
		if overflows(significand, digit) {
			for c := d.peekOr0(); c >= '0' && c <= '9'; c = d.peekOr0() {
				d.eat()
			}
			return d.scaled(negative, significand, exponent)
		}
		d.eat()
		significand = significand*10 + digit
		exponent--
		digits++
	}
	if digits == 0 {
		if _, ok := d.peek(); ok {
			return Value{}, d.failPeek(invalidNumber)
		}
		return Value{}, d.failPeek(eofValue)
	}
	return d.scaled(negative, significand, exponent)
}

func (d *Decoder) scaled(negative bool, significand uint64, exponent int) (Value, error) {
	if c := d.peekOr0(); c == 'e' || c == 'E' {
		return d.exponent(negative, significand, exponent)
	}
	return d.float(negative, significand, exponent)
}

func (d *Decoder) exponent(negative bool, significand uint64, start int) (Value, error) {
	d.eat() // the e
	down := false
	switch d.peekOr0() {
	case '-':
		down = true
		d.eat()
	case '+':
		d.eat()
	}
	c, ok := d.next()
	switch {
	case !ok:
		return Value{}, d.fail(eofValue)
	case c < '0' || c > '9':
		return Value{}, d.fail(invalidNumber)
	}
	exp := int64(c - '0')
	for c := d.peekOr0(); c >= '0' && c <= '9'; c = d.peekOr0() {
		d.eat()
		exp = exp*10 + int64(c-'0')
		if exp <= math.MaxInt32 {
			continue
		}
		if significand != 0 && !down {
			return Value{}, d.fail(numberOutOfRange)
		}
		for c := d.peekOr0(); c >= '0' && c <= '9'; c = d.peekOr0() {
			d.eat()
		}
		return floatValue(0, negative), nil
	}
	if down {
		exp = -exp
	}
	return d.float(negative, significand, int(max(math.MinInt32, min(math.MaxInt32, int64(start)+exp))))
}

func (d *Decoder) float(negative bool, significand uint64, exponent int) (Value, error) {
	f := float64(significand)
	for exponent < -308 && f != 0 {
		f /= 1e308
		exponent += 308
	}
	switch {
	case f == 0:
	case exponent > 308:
		return Value{}, d.fail(numberOutOfRange)
	case exponent >= 0:
		if f *= pow10(exponent); math.IsInf(f, 0) {
			return Value{}, d.fail(numberOutOfRange)
		}
	default:
		f /= pow10(-exponent)
	}
	return floatValue(f, negative), nil
}

func floatValue(f float64, negative bool) Value {
	if negative {
		f = -f
	}
	return Value{Kind: Float, Float: f}
}

// pow10 is the double nearest to 10^n, 0 <= n <= 308: what a table of literals holds. math.Pow10 multiplies and is off at times.
func pow10(n int) float64 { return powers[n] }

var powers = func() (table [309]float64) {
	for n := range table {
		table[n], _ = strconv.ParseFloat("1e"+strconv.Itoa(n), 64) // in range
	}
	return table
}()

// AppendFloat appends a finite f in the shortest form that reads back the same, laid out as ryu does: digits with a
// point up to 16 places, else an exponent.
func AppendFloat(buf []byte, f float64) []byte {
	if f == 0 {
		if math.Signbit(f) {
			return append(buf, "-0.0"...)
		}
		return append(buf, "0.0"...)
	}
	if f < 0 {
		buf = append(buf, '-')
		f = -f
	}
	// d.ddde±xx
	var scratch [32]byte
	sci := strconv.AppendFloat(scratch[:0], f, 'e', -1, 64)
	e := len(sci) - 1
	for sci[e] != 'e' {
		e--
	}
	exp, _ := strconv.Atoi(string(sci[e+1:])) // strconv wrote it
	digits := append([]byte{sci[0]}, sci[min(2, e):e]...)
	point := exp + 1 // digits before the point
	switch {
	case len(digits) <= point && point <= 16:
		buf = append(buf, digits...)
		for range point - len(digits) {
			buf = append(buf, '0')
		}
		return append(buf, ".0"...)
	case 0 < point && point <= 16:
		buf = append(buf, digits[:point]...)
		return append(append(buf, '.'), digits[point:]...)
	case -5 < point && point <= 0:
		buf = append(buf, "0."...)
		for range -point {
			buf = append(buf, '0')
		}
		return append(buf, digits...)
	}
	buf = append(buf, digits[0])
	if len(digits) > 1 {
		buf = append(append(buf, '.'), digits[1:]...)
	}
	return strconv.AppendInt(append(buf, 'e'), int64(exp), 10)
}
