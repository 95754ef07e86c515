package pgerr

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgproto3"
)

func decoded(t *testing.T, err error) pgproto3.ErrorResponse {
	t.Helper()
	b := AppendErrorResponse(nil, err)
	var r pgproto3.ErrorResponse
	if err := r.Decode(b[5:]); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestErrorResponse(t *testing.T) {
	cause := errors.New("dial 10.0.0.1: secret")
	for _, tc := range []struct {
		name string
		err  error
		want string // severity code message detail hint
	}{
		{"plain", New(SyntaxError, "bad %d", 1).WithDetail("d").WithHint("h"), "ERROR 42601 bad 1 d h"},
		{"fatal", New(AdminShutdown, "end").Fatal(), "FATAL 57P01 end  "},
		{"wrapped", fmt.Errorf("outer: %w", New(SyntaxError, "inner").Because(cause)), "ERROR 42601 inner  "},
		{"foreign", cause, "ERROR XX000 internal error  "},
		{"context", context.Canceled, "ERROR 57014 canceling statement due to user request  "},
		{"a code that is none", &Error{Code: "x", Message: "m"}, "ERROR XX000 m  "},
		{"an empty message, as RAISE can make it", &Error{Code: SyntaxError}, "ERROR 42601   "},
		{"NUL and invalid UTF-8", &Error{Code: SyntaxError, Message: "a\x00Cforged\x00b\xff"}, "ERROR 42601 aCforgedb?  "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := decoded(t, tc.err)
			if got := strings.Join([]string{r.Severity, r.Code, r.Message, r.Detail, r.Hint}, " "); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			if r.SeverityUnlocalized != r.Severity {
				t.Errorf("V is %q, S is %q", r.SeverityUnlocalized, r.Severity)
			}
		})
	}
}

// TestAllFields holds the encoding to pgproto3's decoder, field by field, and to its own length word.
func TestAllFields(t *testing.T) {
	e := &Error{Code: "23505", Message: "m", Detail: "d", Hint: "h", Position: 7, InternalPosition: 8, InternalQuery: "q", Where: "w", Schema: "s",
		Table: "t", Column: "c", DataType: "y", Constraint: "n", File: "f.c", Line: 9, Routine: "r"}
	want := pgproto3.ErrorResponse{Severity: "ERROR", SeverityUnlocalized: "ERROR", Code: "23505", Message: "m", Detail: "d", Hint: "h", Position: 7,
		InternalPosition: 8, InternalQuery: "q", Where: "w", SchemaName: "s", TableName: "t", ColumnName: "c", DataTypeName: "y", ConstraintName: "n",
		File: "f.c", Line: 9, Routine: "r"}
	if got := decoded(t, e); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	b := AppendNotice([]byte("before"), e)[len("before"):]
	if b[0] != 'N' || int(binary.BigEndian.Uint32(b[1:])) != len(b)-1 {
		t.Errorf("notice of %d bytes begins %q", len(b), b[:5])
	}
	if empty := AppendErrorResponse(nil, &Error{Code: SyntaxError}); !bytes.Contains(empty, []byte("M\x00")) {
		t.Errorf("no field M in %q", empty)
	}
}

func TestCausesStayPrivate(t *testing.T) {
	cause := errors.New("the secret")
	e := New(ConnectionFailure, "it broke").WithDetail("a row value").Because(cause)
	if !errors.Is(e, cause) {
		t.Error("the cause is lost")
	}
	if s := fmt.Sprintf("%v %s", e, e.Error()); strings.Contains(s, "secret") || strings.Contains(s, "row value") {
		t.Errorf("printed: %s", s)
	}
}

func TestWithCopies(t *testing.T) {
	e := New(SyntaxError, "m")
	_ = e.Fatal().WithDetail("d").WithHint("h")
	if e.IsFatal() || e.Detail != "" || e.Hint != "" {
		t.Errorf("the original changed: %+v", e)
	}
}

func TestFieldsAreBounded(t *testing.T) {
	long := strings.Repeat("ä", maxField)
	r := decoded(t, &Error{Code: SyntaxError, Message: long})
	if len(r.Message) > maxField || !utf8.ValidString(r.Message) || !strings.HasPrefix(long, r.Message) {
		t.Errorf("%d bytes, valid %v", len(r.Message), utf8.ValidString(r.Message))
	}
}

func FuzzErrorResponse(f *testing.F) {
	f.Add("42601", "message", "detail", int32(7))
	f.Add("\x00", "\xff\x00", strings.Repeat("é", 10), int32(-1))
	f.Fuzz(func(t *testing.T, code, message, detail string, position int32) {
		r := decoded(t, &Error{Code: code, Message: message, Detail: detail, Position: position})
		if len(r.Code) != 5 || !utf8.ValidString(r.Message+r.Detail) {
			t.Errorf("%+v", r)
		}
	})
}
