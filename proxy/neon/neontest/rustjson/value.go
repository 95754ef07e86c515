package rustjson

// Kind is the kind of a [Value].
type Kind uint8

const (
	Null Kind = iota
	Bool
	Uint  // a whole number from 0 to 2^64-1
	Int   // a whole number from -2^63 to -1
	Float // any other number, and "-0"
	String
	Array
	Object
)

// Value is one JSON value. Only the fields of its Kind are set.
type Value struct {
	Kind  Kind
	Bool  bool
	Uint  uint64
	Int   int64
	Float float64
	Str   string
	Items []Value  // Array
	Pairs []Member // Object, in the order of the text, duplicates kept
}

// Member is one name and value of an object.
type Member struct {
	Name  string
	Value Value
}

// Error is a syntax error. Line and Column count from 1, in bytes; a Line of 0 means that the error has no position.
type Error struct {
	Reason       string
	Line, Column int
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Reason
	}
	return e.Reason + " at line " + itoa(e.Line) + " column " + itoa(e.Column)
}

// The reasons of serde_json that this package gives.
const (
	eofList          = "EOF while parsing a list"
	eofObject        = "EOF while parsing an object"
	eofString        = "EOF while parsing a string"
	eofValue         = "EOF while parsing a value"
	expectedColon    = "expected `:`"
	expectedListEnd  = "expected `,` or `]`"
	expectedMapEnd   = "expected `,` or `}`"
	expectedIdent    = "expected ident"
	expectedValue    = "expected value"
	invalidEscape    = "invalid escape"
	invalidNumber    = "invalid number"
	numberOutOfRange = "number out of range"
	invalidUnicode   = "invalid unicode code point"
	controlCharacter = "control character (\\u0000-\\u001F) found while parsing a string"
	keyNotString     = "key must be a string"
	loneSurrogate    = "lone leading surrogate in hex escape"
	endOfHexEscape   = "unexpected end of hex escape"
	trailingComma    = "trailing comma"
	trailingChars    = "trailing characters"
	recursionLimit   = "recursion limit exceeded"
)
