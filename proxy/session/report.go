package session

import (
	"github.com/jackc/pgx/v5/pgproto3"
)

// greet sends what stands between AuthenticationOk and the first command. The parameters come in the order of their names.
func (s *Session) greet() {
	s.speak(&s.settings)
	for name, value := range s.settings.Reported(s.facts) {
		s.reported[name] = value
	}
	for _, name := range [...]string{"application_name", "client_encoding"} {
		s.report(name, s.reported[name])
	}
	for _, p := range s.facts.Reported {
		value, changeable := s.reported[p.Name]
		if !changeable {
			value = p.Value
		}
		s.report(p.Name, value)
	}
	s.conn.Send(&pgproto3.BackendKeyData{ProcessID: s.options.ProcessID, SecretKey: s.options.SecretKey})
	s.readyForQuery()
}

func (s *Session) report(name, value string) {
	s.conn.Send(&pgproto3.ParameterStatus{Name: name, Value: value})
}

// reportSettings sends ParameterStatus for each setting that is reported and has changed since.
func (s *Session) reportSettings() {
	if !s.settings.Changed() {
		return
	}
	for name, value := range s.settings.Reported(s.facts) {
		if last, ok := s.reported[name]; ok && last == value {
			continue
		}
		s.reported[name] = value
		s.report(name, value)
	}
}

// readyForQuery ends a cycle. Changed settings are reported just before it, as Postgres does since version 14
// (ReportChangedGUCOptions in src/backend/tcop/postgres.c).
func (s *Session) readyForQuery() {
	s.speak(&s.settings)
	s.reportSettings()
	status := byte('I')
	if s.failed {
		status = 'E'
	}
	s.conn.Send(&pgproto3.ReadyForQuery{TxStatus: status})
}
