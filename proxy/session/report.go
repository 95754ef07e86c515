package session

import (
	"github.com/jackc/pgx/v5/pgproto3"
)

// greet sends what stands between AuthenticationOk and the first command.
func (s *Session) greet() {
	s.reportSettings()
	for _, p := range s.facts.Reported {
		s.conn.Send(&pgproto3.ParameterStatus{Name: p.Name, Value: p.Value})
	}
	s.conn.Send(&pgproto3.BackendKeyData{ProcessID: s.options.ProcessID, SecretKey: s.options.SecretKey})
	s.readyForQuery()
}

// reportSettings sends ParameterStatus for each kept setting that is reported and has changed since.
func (s *Session) reportSettings() {
	for _, name := range [...]string{"application_name", "client_encoding"} {
		value, _ := s.settings.Show(name)
		if last, ok := s.reported[name]; ok && last == value {
			continue
		}
		s.reported[name] = value
		s.conn.Send(&pgproto3.ParameterStatus{Name: name, Value: value})
	}
}

// readyForQuery ends a cycle. Changed settings are reported just before it, as Postgres does since version 14
// (ReportChangedGUCOptions in src/backend/tcop/postgres.c).
func (s *Session) readyForQuery() {
	s.reportSettings()
	status := byte('I')
	if s.failed {
		status = 'E'
	}
	s.conn.Send(&pgproto3.ReadyForQuery{TxStatus: status})
}
