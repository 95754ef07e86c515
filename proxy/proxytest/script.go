package proxytest

import (
	"encoding/binary"
	"fmt"
	"os"
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"
)

// Script is one session to be played to a server, read from a .wire file. A line is a comment (#), the title of a step
// (=), or one of:
//
//	version 3.2                    of the StartupMessage; 3.0 without it
//	startup NAME "value"           a parameter of the StartupMessage, beside user and database
//	login                          the transcript begins with the steps "login" and "parameters"
//	admin "sql"                    run by a superuser on both servers before the session, in schema w
//	after "sql"                    the same after the session
//
// and within a step, sent in one piece at the next await:
//
//	Query "sql"                                     Parse "name" "sql" (OID ...)
//	Bind "portal" "statement" params ("text" NULL ...) formats (0 ...) results (0 ...)
//	Describe S|P "name"      Close S|P "name"       Execute "portal" MAXROWS
//	Sync   Flush   Terminate   CopyDone             CopyData "bytes"   CopyFail "why"
//	FunctionCall OID ("arg" ...)
//	message T "body"               any type byte with any body, framed
//	bytes "..."                    as they stand
//	await T                        until a message of type byte T has come
//	await end                      until the server has closed
//	cancel                         CancelRequests on other connections until a message comes
//
// What stands in brackets or parentheses may be left out. Strings are quoted as in Go, "\xff" or `raw`.
type Script struct {
	Name    string
	Major   uint16
	Minor   uint16
	Startup []Parameter
	Login   bool
	Admin   []string
	After   []string
	Steps   []Step
}

// Parameter is one of the startup message's.
type Parameter struct{ Name, Value string }

// Step is a titled part of a script, and of its transcript.
type Step struct {
	Title   string
	Actions []Action
}

// Action is something to send, or to wait for.
type Action struct {
	Send   []byte
	Await  byte // a message's type; 0 if this is no await
	End    bool // await the end of the connection
	Cancel bool
}

// ReadScript reads the .wire file at path.
func ReadScript(path string) (*Script, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("proxytest: %w", err)
	}
	s, err := ParseScript(string(text))
	if err != nil {
		return nil, fmt.Errorf("proxytest: %s:%w", path, err)
	}
	name := path[strings.LastIndexByte(path, '/')+1:]
	s.Name = strings.TrimSuffix(name, ".wire")
	return s, nil
}

// ParseScript reads the text of a script. Its error starts with the line's number.
func ParseScript(text string) (*Script, error) {
	s := &Script{Major: 3}
	titles := map[string]bool{}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if title, ok := strings.CutPrefix(line, "="); ok {
			title = strings.TrimSpace(title)
			if title == "" || titles[title] {
				return nil, fmt.Errorf("%d: the step's title %q is empty or not its own", i+1, title)
			}
			titles[title] = true
			s.Steps = append(s.Steps, Step{Title: title})
			continue
		}
		w := &words{rest: line}
		s.line(w)
		if w.err == nil && !w.done() {
			w.fail("%q is too much", w.rest)
		}
		if w.err != nil {
			return nil, fmt.Errorf("%d: %w", i+1, w.err)
		}
	}
	for _, step := range s.Steps {
		if n := len(step.Actions); n == 0 || step.Actions[n-1].Await == 0 && !step.Actions[n-1].End {
			return nil, fmt.Errorf("0: the step %q does not end with an await", step.Title)
		}
	}
	if len(s.Steps) == 0 && !s.Login {
		return nil, fmt.Errorf("0: the script does nothing")
	}
	return s, nil
}

func (s *Script) line(w *words) {
	verb := w.bare()
	switch verb {
	case "version":
		if _, err := fmt.Sscanf(w.bare(), "%d.%d", &s.Major, &s.Minor); err != nil {
			w.fail("a version is like 3.2")
		}
		return
	case "startup":
		s.Startup = append(s.Startup, Parameter{Name: w.bare(), Value: w.text()})
		return
	case "login":
		s.Login = true
		return
	case "admin":
		s.Admin = append(s.Admin, w.text())
		return
	case "after":
		s.After = append(s.After, w.text())
		return
	}
	if len(s.Steps) == 0 {
		w.fail("%q stands before the first step", verb)
		return
	}
	step := &s.Steps[len(s.Steps)-1]
	step.Actions = append(step.Actions, action(w, verb))
}

func action(w *words, verb string) Action {
	switch verb {
	case "await":
		if rest, ok := strings.CutPrefix(strings.TrimSpace(w.rest), "end"); ok {
			w.rest = rest
			return Action{End: true}
		}
		return Action{Await: w.letter()}
	case "cancel":
		return Action{Cancel: true}
	case "bytes":
		return Action{Send: []byte(w.text())}
	case "message":
		typ, body := w.letter(), w.text()
		return Action{Send: append(binary.BigEndian.AppendUint32([]byte{typ}, uint32(4+len(body))), body...)}
	}
	msg := frontendMessage(w, verb)
	if w.err != nil {
		return Action{}
	}
	b, err := msg.Encode(nil)
	if err != nil {
		w.fail("%v", err)
	}
	return Action{Send: b}
}

func frontendMessage(w *words, verb string) pgproto3.FrontendMessage {
	switch verb {
	case "Query":
		return &pgproto3.Query{String: w.text()}
	case "Parse":
		m := &pgproto3.Parse{Name: w.text(), Query: w.text()}
		if !w.done() {
			w.list(func() { m.ParameterOIDs = append(m.ParameterOIDs, uint32(w.number(64))) })
		}
		return m
	case "Bind":
		return bind(w)
	case "Describe":
		return &pgproto3.Describe{ObjectType: w.letter(), Name: w.text()}
	case "Close":
		return &pgproto3.Close{ObjectType: w.letter(), Name: w.text()}
	case "Execute":
		m := &pgproto3.Execute{Portal: w.text()}
		if !w.done() {
			m.MaxRows = uint32(w.number(33))
		}
		return m
	case "FunctionCall":
		m := &pgproto3.FunctionCall{Function: uint32(w.number(33))}
		w.list(func() { m.Arguments = append(m.Arguments, w.value()) })
		return m
	case "CopyData":
		return &pgproto3.CopyData{Data: []byte(w.text())}
	case "CopyFail":
		return &pgproto3.CopyFail{Message: w.text()}
	case "CopyDone":
		return &pgproto3.CopyDone{}
	case "Sync":
		return &pgproto3.Sync{}
	case "Flush":
		return &pgproto3.Flush{}
	case "Terminate":
		return &pgproto3.Terminate{}
	default:
		w.fail("%q is no message or directive", verb)
		return nil
	}
}

func bind(w *words) pgproto3.FrontendMessage {
	m := &pgproto3.Bind{DestinationPortal: w.text(), PreparedStatement: w.text()}
	for w.err == nil && !w.done() {
		switch part := w.bare(); part {
		case "params":
			w.list(func() { m.Parameters = append(m.Parameters, w.value()) })
		case "formats":
			w.list(func() { m.ParameterFormatCodes = append(m.ParameterFormatCodes, int16(w.number(16))) })
		case "results":
			w.list(func() { m.ResultFormatCodes = append(m.ResultFormatCodes, int16(w.number(16))) })
		default:
			w.fail("a Bind has params, formats and results, not %q", part)
		}
	}
	return m
}
