package describeoracle

import (
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"
)

// Answer is what came back for Parse, Describe of the statement and Sync.
type Answer struct {
	Parsed bool     // ParseComplete came
	Params []uint32 // of ParameterDescription; nil if none came
	Rows   bool     // RowDescription came, not NoData
	Fields []Field
	Err    *Failure // ErrorResponse, or nil
	// Broken says what ended the session instead of an answer, "" for nothing.
	Broken string
}

// Field is one column of a RowDescription.
type Field struct {
	Name     string
	TableOID uint32
	Column   uint16
	TypeOID  uint32
	TypeSize int16
	TypeMod  int32
	Format   int16
}

// Failure is what an ErrorResponse says to people.
type Failure struct {
	Severity, Code, Message, Detail, Hint string
	Position                              int32
}

func fields(description *pgproto3.RowDescription) []Field {
	list := make([]Field, len(description.Fields))
	for i, f := range description.Fields {
		list[i] = Field{
			Name: string(f.Name), TableOID: f.TableOID, Column: f.TableAttributeNumber,
			TypeOID: f.DataTypeOID, TypeSize: f.DataTypeSize, TypeMod: f.TypeModifier, Format: f.Format,
		}
	}
	return list
}

func failure(e *pgproto3.ErrorResponse) *Failure {
	return &Failure{Severity: e.Severity, Code: e.Code, Message: e.Message, Detail: e.Detail, Hint: e.Hint, Position: e.Position}
}

// Difference returns what is not the same in got as in want, "" if nothing is.
func Difference(want, got Answer) string {
	var parts []string
	differ := func(what string, want, got any) {
		parts = append(parts, fmt.Sprintf("%s: want %v, got %v", what, want, got))
	}
	if got.Broken != "" || want.Broken != "" {
		differ("session", want.Broken, got.Broken)
		return strings.Join(parts, "; ")
	}
	if want.Parsed != got.Parsed {
		differ("Parse succeeds", want.Parsed, got.Parsed)
	}
	if want.Err != nil || got.Err != nil {
		if want.Err == nil || got.Err == nil || *want.Err != *got.Err {
			differ("error", want.Err, got.Err)
		}
		return strings.Join(parts, "; ")
	}
	if !slices.Equal(want.Params, got.Params) {
		differ("parameters", want.Params, got.Params)
	}
	if want.Rows != got.Rows {
		differ("RowDescription", want.Rows, got.Rows)
	}
	if len(want.Fields) != len(got.Fields) {
		differ("columns", want.Fields, got.Fields)
		return strings.Join(parts, "; ")
	}
	for i := range want.Fields {
		if want.Fields[i] != got.Fields[i] {
			differ(fmt.Sprintf("column %d", i+1), want.Fields[i], got.Fields[i])
		}
	}
	return strings.Join(parts, "; ")
}

func (f *Failure) String() string {
	if f == nil {
		return "none"
	}
	s := fmt.Sprintf("%s %s %q", f.Severity, f.Code, f.Message)
	if f.Detail != "" {
		s += fmt.Sprintf(" detail %q", f.Detail)
	}
	if f.Hint != "" {
		s += fmt.Sprintf(" hint %q", f.Hint)
	}
	if f.Position != 0 {
		s += fmt.Sprintf(" at %d", f.Position)
	}
	return s
}

func (f Field) String() string {
	return fmt.Sprintf("{%q table %d.%d type %d size %d mod %d format %d}",
		f.Name, f.TableOID, f.Column, f.TypeOID, f.TypeSize, f.TypeMod, f.Format)
}
