package neontest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// maxIdle is how many idle backends one server keeps.
const maxIdle = 100

// pool keeps backends per database and role, all users of a role sharing them, the last one used first.
type pool struct {
	admin     pgconn.Config // the superuser's; host and port are everybody's
	keepState bool          // see Options

	mu     sync.Mutex
	closed bool
	idle   map[poolKey][]*backend
	count  int
	ready  map[poolKey]bool      // the database was set up for the role
	admins map[string]*adminConn // by database
	live   map[*backend]struct{} // all that are open, idle or not
	setup  chan struct{}         // one set-up at a time
}

type poolKey struct{ database, role string }

// adminConn is the superuser's connection to one database. mu is held while it is used.
type adminConn struct {
	mu   sync.Mutex
	conn *pgconn.PgConn
}

func newPool(admin *pgconn.Config, keepState bool) *pool {
	return &pool{admin: *admin.Copy(), keepState: keepState, idle: map[poolKey][]*backend{}, ready: map[poolKey]bool{}, admins: map[string]*adminConn{},
		live: map[*backend]struct{}{}, setup: make(chan struct{}, 1)}
}

// get returns an idle backend or opens one.
func (p *pool) get(ctx context.Context, key poolKey) (*backend, error) {
	p.mu.Lock()
	for list := p.idle[key]; len(list) > 0; list = p.idle[key] {
		b := list[len(list)-1]
		p.idle[key] = list[:len(list)-1]
		p.count--
		if !b.closed.Load() {
			p.mu.Unlock()
			return b, nil
		}
		delete(p.live, b)
	}
	ready := p.ready[key]
	p.mu.Unlock()
	if !ready {
		if err := p.prepare(ctx, key); err != nil {
			return nil, err
		}
	}
	return p.open(ctx, key)
}

// prepare sets up a database for a role the first time that it is asked for.
func (p *pool) prepare(ctx context.Context, key poolKey) error {
	select {
	case p.setup <- struct{}{}:
		defer func() { <-p.setup }()
	case <-ctx.Done():
		return ctx.Err()
	}
	p.mu.Lock()
	ready := p.ready[key]
	p.mu.Unlock()
	if ready {
		return nil
	}
	err := p.asAdmin(ctx, key.database, func(conn *pgconn.PgConn) error { return prepareRole(ctx, conn, key.role) })
	if err != nil {
		if refused := refusedConnection(err); refused != nil {
			return refused
		}
		return &failure{message: errSetup.message, status: errSetup.status, cause: err}
	}
	p.mu.Lock()
	p.ready[key] = true
	p.mu.Unlock()
	return nil
}

// asAdmin runs f on the superuser's connection to a database.
func (p *pool) asAdmin(ctx context.Context, database string, f func(*pgconn.PgConn) error) error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return errConnectionClosed
	}
	admin := p.admins[database]
	if admin == nil {
		admin = &adminConn{}
		p.admins[database] = admin
	}
	p.mu.Unlock()
	admin.mu.Lock()
	defer admin.mu.Unlock()
	if admin.conn == nil || admin.conn.IsClosed() {
		config := p.admin.Copy()
		if database != "" {
			config.Database = database
		}
		conn, err := pgconn.ConnectConfig(ctx, config)
		if err != nil {
			return err
		}
		admin.conn = conn
	}
	return f(admin.conn)
}

func (p *pool) open(ctx context.Context, key poolKey) (*backend, error) {
	config := p.admin.Copy()
	config.User, config.Password, config.Database = key.role, "", key.database
	secret := newKey()
	config.RuntimeParams = sessionSettings(secret)
	// While it connects, pgconn may read ahead of itself, in the background: only its own reader has every byte.
	var in io.Reader
	build := config.BuildFrontend
	config.BuildFrontend = func(r io.Reader, w io.Writer) *pgproto3.Frontend {
		in = r
		return build(r, w)
	}
	conn, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return nil, connectFailure(err)
	}
	h, err := conn.Hijack()
	if err != nil {
		return nil, fmt.Errorf("neontest: BUG: %w", err)
	}
	b := newBackend(h.Conn, in, h.PID, h.SecretKey, secret)
	p.mu.Lock()
	p.live[b] = struct{}{}
	closed := p.closed
	p.mu.Unlock()
	if closed {
		b.close()
		return nil, errConnectionClosed
	}
	err = p.asAdmin(ctx, key.database, func(conn *pgconn.PgConn) error { return register(ctx, conn, b.pid, b.key) })
	if err == nil {
		err = b.exec("select auth.init();")
	}
	if err != nil {
		p.drop(b)
		return nil, asFailure(err).as(http.StatusInternalServerError)
	}
	return b, nil
}

// put gives a backend back; what its request left on it is reset before the next one's statements.
func (p *pool) put(key poolKey, b *backend) {
	if b.closed.Load() || !p.keepState && b.reset() != nil {
		p.drop(b)
		return
	}
	p.mu.Lock()
	if full := p.count >= maxIdle; full || p.closed {
		p.mu.Unlock()
		p.drop(b)
		return
	}
	p.idle[key] = append(p.idle[key], b)
	p.count++
	p.mu.Unlock()
}

// drop closes a backend that is not in the pool.
func (p *pool) drop(b *backend) {
	p.mu.Lock()
	delete(p.live, b)
	p.mu.Unlock()
	b.close()
}

// close closes everything, also what is in use.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	live, admins := p.live, p.admins
	p.live, p.admins, p.idle = map[*backend]struct{}{}, map[string]*adminConn{}, map[poolKey][]*backend{}
	p.mu.Unlock()
	for b := range live {
		b.close()
	}
	for _, admin := range admins {
		admin.mu.Lock()
		if admin.conn != nil {
			_ = admin.conn.Close(context.Background()) // it closes the socket in any case
		}
		admin.mu.Unlock()
	}
}

// connectFailure is the answer to a connection that Postgres refuses: 400 for a database that does not exist, else 500.
func connectFailure(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		f := &failure{status: http.StatusInternalServerError, pg: fromPgconn(pg), cause: err}
		if pg.Code == "3D000" {
			f.status = http.StatusBadRequest
		}
		return f
	}
	if refused := refusedConnection(err); refused != nil {
		return refused
	}
	return &failure{message: "error connecting to server: " + err.Error(), status: http.StatusInternalServerError, cause: err}
}

// refusedConnection is the answer where nobody listens, nil for any other error.
func refusedConnection(err error) *failure {
	var op *net.OpError
	var errno syscall.Errno
	if errors.As(err, &op) && errors.As(err, &errno) && errno == syscall.ECONNREFUSED {
		return &failure{message: fmt.Sprintf("error connecting to server: Connection refused (os error %d)", int(errno)), status: http.StatusInternalServerError, cause: err}
	}
	return nil
}

func fromPgconn(e *pgconn.PgError) *pgError {
	optional := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	pg := &pgError{severity: e.Severity, code: e.Code, message: e.Message, detail: optional(e.Detail), hint: optional(e.Hint),
		where: optional(e.Where), schema: optional(e.SchemaName), table: optional(e.TableName), column: optional(e.ColumnName),
		dataType: optional(e.DataTypeName), constraint: optional(e.ConstraintName), file: optional(e.File), routine: optional(e.Routine)}
	if e.Line != 0 {
		line := fmt.Sprint(e.Line)
		pg.line = &line
	}
	return pg
}
