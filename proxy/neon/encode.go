package neon

import (
	"strings"
	"unicode/utf8"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// maxParams is what a Bind message of Neon's can carry: its driver counts in an int16.
const maxParams = 32767

// precheck refuses, before req waits for anything, what can never be sent.
func (c *Client) precheck(req *upstream.Request) error {
	if len(req.Statements) == 0 || !req.Transaction && len(req.Statements) != 1 {
		panic("BUG: a request outside a transaction has exactly one statement, one inside at least one")
	}
	if !isHeaderToken(req.Token.Reveal()) {
		return notRun(pgerr.New(pgerr.InvalidAuthorization, "the token is malformed"))
	}
	var size int64
	for i := range req.Statements {
		st := &req.Statements[i]
		if len(st.Params) > maxParams {
			return notRun(pgerr.New(pgerr.ProgramLimitExceeded, "a statement can have at most %d parameters, not %d", maxParams, len(st.Params)).
				WithHint("Pass many values as one array parameter."))
		}
		size += int64(len(st.SQL))
		for _, p := range st.Params {
			size += int64(len(p))
		}
	}
	if size > c.cfg.MaxRequest {
		return c.requestTooLarge()
	}
	return nil
}

func (c *Client) requestTooLarge() error {
	return notRun(pgerr.New(pgerr.ProgramLimitExceeded, "the request is larger than %d bytes", c.cfg.MaxRequest).
		WithHint("Send fewer or shorter statements and parameters at once."))
}

// isHeaderToken reports whether t can stand in a header as it is.
func isHeaderToken(t string) bool {
	for i := range len(t) {
		if t[i] <= ' ' || t[i] >= 0x7f {
			return false
		}
	}
	return t != ""
}

// encode appends the body of req to dst.
func (c *Client) encode(dst []byte, req *upstream.Request) ([]byte, error) {
	e := encoder{dst: dst, max: c.cfg.MaxRequest}
	if !req.Transaction {
		e.statement(&req.Statements[0])
	} else {
		e.dst = append(e.dst, `{"queries":[`...)
		for i := range req.Statements {
			if i > 0 {
				e.dst = append(e.dst, ',')
			}
			e.statement(&req.Statements[i])
		}
		e.dst = append(e.dst, "]}"...)
	}
	switch {
	case e.badByte:
		return e.dst, notRun(pgerr.New(pgerr.CharacterNotInRepertoire, "invalid byte sequence for encoding \"UTF8\" in a statement or parameter"))
	case int64(len(e.dst)) > e.max:
		return e.dst, c.requestTooLarge()
	}
	return e.dst, nil
}

// encoder writes JSON by hand: reflection would cost more than the rest of a small request.
type encoder struct {
	dst     []byte
	max     int64 // nothing is appended any more once dst is longer
	badByte bool  // a string is not UTF-8 or holds a NUL
}

func (e *encoder) statement(st *upstream.Statement) {
	e.dst = append(e.dst, `{"query":`...)
	if !utf8.ValidString(st.SQL) || strings.IndexByte(st.SQL, 0) >= 0 {
		e.badByte = true
		return
	}
	quote(e, st.SQL)
	e.dst = append(e.dst, `,"params":[`...)
	for i, p := range st.Params {
		if i > 0 {
			e.dst = append(e.dst, ',')
		}
		if p == nil {
			e.dst = append(e.dst, "null"...)
			continue
		}
		if !utf8.Valid(p) {
			e.badByte = true
			return
		}
		quote(e, p)
	}
	e.dst = append(e.dst, "]}"...)
}

// quote appends s as a JSON string. It has been checked to be UTF-8; a NUL marks the encoder.
func quote[T string | []byte](e *encoder, s T) {
	const hexDigits = "0123456789abcdef"
	dst := append(e.dst, '"')
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		case 0:
			e.badByte = true
			e.dst = dst
			return
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		if int64(len(dst)) > e.max {
			e.dst = dst
			return
		}
	}
	dst = append(dst, s[from:]...)
	e.dst = append(dst, '"')
}
