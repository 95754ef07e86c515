package describeoracle

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// patience is how long a server may take for an answer.
const patience = 30 * time.Second

// session is one connection to either side, owned by one goroutine.
type session struct {
	config   *pgconn.Config
	conn     net.Conn // nil when it was lost
	frontend *pgproto3.Frontend
}

// connect logs in. The session connects again by itself when it is lost.
func connect(ctx context.Context, config *pgconn.Config) (*session, error) {
	s := &session{config: config}
	return s, s.login(ctx)
}

func (s *session) login(ctx context.Context) error {
	conn, err := pgconn.ConnectConfig(ctx, s.config)
	if err != nil {
		return fmt.Errorf("describeoracle: %w", err)
	}
	hijacked, err := conn.Hijack()
	if err != nil {
		return fmt.Errorf("describeoracle: %w", err)
	}
	s.conn, s.frontend = hijacked.Conn, hijacked.Frontend
	return nil
}

func (s *session) close() {
	if s.conn != nil {
		_ = s.conn.Close() // the server sees the end either way
		s.conn = nil
	}
}

// ask sends Parse of the unnamed statement, Describe and Sync as one pipeline.
func (s *session) ask(ctx context.Context, text string, declared []uint32) (Answer, error) {
	if s.conn == nil {
		if err := s.login(ctx); err != nil {
			return Answer{}, err
		}
	}
	s.frontend.SendParse(&pgproto3.Parse{Query: text, ParameterOIDs: declared})
	s.frontend.SendDescribe(&pgproto3.Describe{ObjectType: 'S'})
	return s.answer(Answer{}), nil
}

// askInTurns is the same with a named statement and a Sync behind each message, as of a driver that waits for each answer.
func (s *session) askInTurns(ctx context.Context, text string, declared []uint32) (Answer, error) {
	if s.conn == nil {
		if err := s.login(ctx); err != nil {
			return Answer{}, err
		}
	}
	const name = "in turns"
	s.frontend.SendParse(&pgproto3.Parse{Name: name, Query: text, ParameterOIDs: declared})
	a := s.answer(Answer{})
	if !a.Parsed || a.Broken != "" {
		return a, nil
	}
	s.frontend.SendDescribe(&pgproto3.Describe{ObjectType: 'S', Name: name})
	if a = s.answer(a); a.Broken != "" {
		return a, nil
	}
	s.frontend.SendClose(&pgproto3.Close{ObjectType: 'S', Name: name})
	return s.answer(a), nil
}

// answer sends Sync and adds what comes to a.
func (s *session) answer(a Answer) Answer {
	s.frontend.SendSync(&pgproto3.Sync{})
	err := s.exchange(func(message pgproto3.BackendMessage) {
		switch m := message.(type) {
		case *pgproto3.ParseComplete:
			a.Parsed = true
		case *pgproto3.ParameterDescription:
			a.Params = slices.Clone(m.ParameterOIDs)
			if a.Params == nil {
				a.Params = []uint32{}
			}
		case *pgproto3.RowDescription:
			a.Rows, a.Fields = true, fields(m)
		case *pgproto3.NoData, *pgproto3.CloseComplete:
		case *pgproto3.ErrorResponse:
			a.Err = failure(m)
		default:
			a.Broken = fmt.Sprintf("unexpected %T", message)
		}
	})
	if err != nil {
		s.close()
		a.Broken = err.Error()
	}
	return a
}

// query runs sql as a simple Query.
func (s *session) query(ctx context.Context, sql string) error {
	if s.conn == nil {
		if err := s.login(ctx); err != nil {
			return err
		}
	}
	s.frontend.SendQuery(&pgproto3.Query{String: sql})
	var failed error
	err := s.exchange(func(message pgproto3.BackendMessage) {
		if e, ok := message.(*pgproto3.ErrorResponse); ok && failed == nil {
			failed = fmt.Errorf("describeoracle: %s: %s %s", sql, e.Code, e.Message)
		}
	})
	if err != nil {
		s.close()
	}
	return errors.Join(err, failed)
}

// exchange flushes what was sent and hands every message up to ReadyForQuery to take, but for those that a server may send at any
// time.
func (s *session) exchange(take func(pgproto3.BackendMessage)) error {
	if err := s.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if err := s.frontend.Flush(); err != nil {
		return err
	}
	for {
		message, err := s.frontend.Receive()
		if err != nil {
			return err
		}
		switch m := message.(type) {
		case *pgproto3.ReadyForQuery:
			if m.TxStatus != 'I' {
				return fmt.Errorf("the session's state is %q behind the answer", m.TxStatus)
			}
			return nil
		case *pgproto3.NoticeResponse, *pgproto3.ParameterStatus, *pgproto3.NotificationResponse:
			continue
		}
		take(message)
	}
}
