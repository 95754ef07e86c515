package proxytest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"
)

// firstFreshOID is the first that is given to an object after initdb (FirstNormalObjectId, src/include/access/transam.h):
// such ones differ from server to server.
const firstFreshOID = 16384

// transcript prints what a server sends, one line a message, with what is volatile made the same.
type transcript struct {
	lines []string
	oids  map[uint32]int // fresh OIDs in the order they were seen
}

func (t *transcript) note(line string) { t.lines = append(t.lines, line) }

// take returns the lines so far and starts anew. Names given to OIDs stay.
func (t *transcript) take() []string {
	lines := t.lines
	t.lines = nil
	return lines
}

// oid names a fresh OID by when it was first seen.
func (t *transcript) oid(n uint32) string {
	if n < firstFreshOID {
		return fmt.Sprint(n)
	}
	if t.oids == nil {
		t.oids = map[uint32]int{}
	}
	if t.oids[n] == 0 {
		t.oids[n] = len(t.oids) + 1
	}
	return fmt.Sprintf("#%d", t.oids[n])
}

func (t *transcript) message(typ byte, body []byte) {
	line, err := t.format(typ, body)
	if err != nil {
		line = fmt.Sprintf("(malformed %q: %v) %q", typ, err, body)
	}
	t.note(line)
}

func (t *transcript) format(typ byte, body []byte) (string, error) {
	switch typ {
	case 'Z':
		var m pgproto3.ReadyForQuery
		err := m.Decode(body)
		return "ReadyForQuery " + string(rune(m.TxStatus)), err
	case 'C':
		var m pgproto3.CommandComplete
		err := m.Decode(body)
		return "CommandComplete " + string(m.CommandTag), err
	case 'E':
		var m pgproto3.ErrorResponse
		err := m.Decode(body)
		return "ErrorResponse " + t.fault(&m), err
	case 'N':
		var m pgproto3.NoticeResponse
		err := m.Decode(body)
		return "NoticeResponse " + t.fault((*pgproto3.ErrorResponse)(&m)), err
	case 'T':
		var m pgproto3.RowDescription
		err := m.Decode(body)
		return t.rowDescription(&m), err
	case 'D':
		var m pgproto3.DataRow
		err := m.Decode(body)
		return dataRow(&m), err
	case 'S':
		var m pgproto3.ParameterStatus
		err := m.Decode(body)
		return fmt.Sprintf("ParameterStatus %s=%q", m.Name, m.Value), err
	case 'K':
		return fmt.Sprintf("BackendKeyData with a key of %d bytes", len(body)-4), nil
	case 't':
		var m pgproto3.ParameterDescription
		err := m.Decode(body)
		line := "ParameterDescription"
		for _, oid := range m.ParameterOIDs {
			line += " " + t.oid(oid)
		}
		return line, err
	case 'v':
		return fmt.Sprintf("NegotiateProtocolVersion %q", body), nil
	}
	if name, ok := bare[typ]; ok {
		if len(body) > 0 {
			return fmt.Sprintf("%s %q", name, body), nil
		}
		return name, nil
	}
	return fmt.Sprintf("message %q %q", typ, body), nil
}

// bare are messages that have nothing, or nothing that needs words.
var bare = map[byte]string{
	'1': "ParseComplete", '2': "BindComplete", '3': "CloseComplete", 'I': "EmptyQueryResponse", 'n': "NoData",
	's': "PortalSuspended", 'c': "CopyDone", 'd': "CopyData", 'G': "CopyInResponse", 'H': "CopyOutResponse",
	'A': "NotificationResponse", 'V': "FunctionCallResponse",
}

func (t *transcript) rowDescription(m *pgproto3.RowDescription) string {
	line := "RowDescription"
	for _, f := range m.Fields {
		line += fmt.Sprintf(" (%q type %s size %d", f.Name, t.oid(f.DataTypeOID), f.DataTypeSize)
		if f.TypeModifier != -1 {
			line += fmt.Sprintf(" mod %d", f.TypeModifier)
		}
		if f.TableOID != 0 || f.TableAttributeNumber != 0 {
			line += fmt.Sprintf(" of %s.%d", t.oid(f.TableOID), f.TableAttributeNumber)
		}
		if f.Format != 0 {
			line += fmt.Sprintf(" format %d", f.Format)
		}
		line += ")"
	}
	return line
}

func dataRow(m *pgproto3.DataRow) string {
	line := "DataRow"
	for _, v := range m.Values {
		if v == nil {
			line += " NULL"
		} else {
			line += fmt.Sprintf(" %q", v)
		}
	}
	return line
}

var requestID = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// fault prints an error's fields but file, line and routine, which say where in which source it was raised.
func (t *transcript) fault(m *pgproto3.ErrorResponse) string {
	line := fmt.Sprintf("%s %s %q", m.Severity, m.Code, m.Message)
	if m.SeverityUnlocalized != m.Severity {
		line += " severity " + m.SeverityUnlocalized
	}
	for _, f := range []struct{ name, value string }{
		{"detail", m.Detail}, {"hint", m.Hint}, {"query", m.InternalQuery}, {"where", m.Where},
		{"schema", m.SchemaName}, {"table", m.TableName}, {"column", m.ColumnName},
		{"type", m.DataTypeName}, {"constraint", m.ConstraintName},
	} {
		if f.value != "" {
			line += fmt.Sprintf(" %s %q", f.name, requestID.ReplaceAllString(f.value, "<request-id>"))
		}
	}
	if m.Position != 0 {
		line += fmt.Sprintf(" position %d", m.Position)
	}
	if m.InternalPosition != 0 {
		line += fmt.Sprintf(" internal position %d", m.InternalPosition)
	}
	return line
}

// splitLogin takes the ParameterStatus lines out of a login, sorted: a server sends them in any order, and their values are
// the server's own matter.
func splitLogin(lines []string) (rest, parameters []string) {
	for _, line := range lines {
		if strings.HasPrefix(line, "ParameterStatus ") {
			parameters = append(parameters, line)
		} else {
			rest = append(rest, line)
		}
	}
	slices.Sort(parameters)
	return rest, parameters
}
