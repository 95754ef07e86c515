package sqlscan

// Kind is the kind of a [Token].
type Kind uint8

const (
	// Bad is a lexical error: an unterminated string, quoted identifier or comment (up to the end of the text), an
	// empty quoted identifier, a number or parameter with letters right behind it, an operator of 64 bytes or more,
	// U&'...' while standard_conforming_strings is off, a NUL. Postgres refuses the whole text for it.
	Bad Kind = iota
	// Word is an unquoted identifier or a keyword.
	Word
	// QuotedIdent is "...".
	QuotedIdent
	// UIdent is U&"...". Its UESCAPE clause, if any, is two tokens of its own (see [Ident]).
	UIdent
	// String is '...' with any prefix (E B X N U&) and dollar quoting, continuation on further lines included. A
	// UESCAPE clause is two tokens of its own (see [StringValue]).
	String
	// Number is an unsigned numeric literal.
	Number
	// Param is $1.
	Param
	// Operator is a run of the characters + - * / < > = ~ ! @ # % ^ & | ` ? as Postgres ends it.
	Operator
	// Punct is one of ( ) [ ] , ; : . or :: := .. or one ASCII character that is no token of SQL.
	Punct
)

// Token is one token by its byte offsets in the text: text[Start:End].
type Token struct {
	Kind       Kind
	Start, End int

	escapes bool // of a String: backslash escapes are in force (E'...', or standard_conforming_strings off)
}

// Text is the token's source.
func (t Token) Text(sql string) string { return sql[t.Start:t.End] }

// Is reports whether t is the one-character token c (Punct or Operator).
func (t Token) Is(sql string, c byte) bool {
	return t.Kind >= Operator && t.End == t.Start+1 && sql[t.Start] == c
}

// IsIdent reports whether t is an identifier in any of its three forms; a Word may still be a keyword.
func (t Token) IsIdent() bool { return t.Kind >= Word && t.Kind <= UIdent }

// Classes of bytes, as scan.l names them.
const (
	isSpace      = 1 << iota // space
	isIdentStart             // ident_start
	isIdentCont              // ident_cont
	isDigit                  // decdigit
	isOperator               // op_chars
	isHex                    // hexdigit
	isTagCont                // dolq_cont
)

var classes = func() (t [256]uint8) {
	for _, c := range " \t\n\r\f\v" {
		t[c] |= isSpace
	}
	for c := range 256 {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_', c >= 128:
			t[c] |= isIdentStart | isIdentCont | isTagCont
		case c >= '0' && c <= '9':
			t[c] |= isDigit | isIdentCont | isTagCont | isHex
		}
		if c|0x20 >= 'a' && c|0x20 <= 'f' {
			t[c] |= isHex
		}
	}
	t['$'] |= isIdentCont
	for _, c := range "~!@#^&|`?+-*/%<>=" {
		t[c] |= isOperator
	}
	return t
}()

func is(c byte, class uint8) bool { return classes[c]&class != 0 }
