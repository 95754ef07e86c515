package neontest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const headerTrue = "true" // no other value means it

// ServeHTTP answers as Neon does.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.refuseHead(w, r) {
		return
	}
	id := rustUUID(r.Header.Get("Neon-Request-Id"))
	if id == "" {
		id = newUUID()
	}
	h := w.Header()
	h.Set("Neon-Request-Id", id)
	reused := s.conns.begin(w, r)
	switch path := r.URL.EscapedPath(); {
	case path == "/sql" && r.Method == http.MethodPost:
		s.mu.Lock()
		s.requests++
		s.mu.Unlock()
		if f, ok := s.faults.take(reused); ok {
			f.serve(w, r, func(w http.ResponseWriter) { s.serveSQL(w, r) })
			return
		}
		s.serveSQL(w, r)
	case path == "/sql" && r.Method == http.MethodOptions:
		h.Set("Allow", "OPTIONS, POST")
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Access-Control-Allow-Headers", "Authorization, Neon-Connection-String, Neon-Raw-Text-Output, Neon-Array-Mode, "+
			"Neon-Pool-Opt-In, Neon-Batch-Read-Only, Neon-Batch-Isolation-Level")
		h.Set("Access-Control-Max-Age", "86400")
		h.Set("Content-Length", "0")
		w.WriteHeader(http.StatusOK)
	default:
		answer(w, http.StatusBadRequest, []byte(`"query is not supported"`))
	}
}

func (s *Server) serveSQL(w http.ResponseWriter, r *http.Request) {
	body, tx, err := s.run(w, r)
	w.Header().Set("Access-Control-Allow-Origin", "*")
	switch {
	case errors.Is(err, errNoAnswer), err != nil && r.Context().Err() != nil: // a client that closed one half has left as well
		panic(http.ErrAbortHandler)
	case err != nil:
		f := asFailure(err)
		if f.status == http.StatusRequestEntityTooLarge {
			w.Header().Set("Connection", "close")
		}
		answer(w, f.statusCode(), f.body())
	default:
		if tx.readOnly {
			w.Header().Set("Neon-Batch-Read-Only", headerTrue)
		}
		if tx.deferrable {
			w.Header().Set("Neon-Batch-Deferrable", headerTrue)
		}
		if tx.isolation != "" {
			w.Header().Set("Neon-Batch-Isolation-Level", tx.isolation)
		}
		answer(w, http.StatusOK, body)
	}
}

func answer(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(ioLimit)) // not every writer has one
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that has gone
}

// run handles one request. tx is what a batch's answer repeats.
func (s *Server) run(w http.ResponseWriter, r *http.Request) (body []byte, tx transaction, err error) {
	to, bearer, f := readTarget(r.Header)
	if f != nil {
		return nil, tx, f
	}
	tx.isolation = r.Header.Get("Neon-Batch-Isolation-Level")
	if len(r.Header.Values("Neon-Batch-Isolation-Level")) > 0 && isolationLevels[tx.isolation] == "" {
		return nil, tx, refusal("invalid isolation level")
	}
	tx.readOnly = r.Header.Get("Neon-Batch-Read-Only") == headerTrue
	tx.deferrable = r.Header.Get("Neon-Batch-Deferrable") == headerTrue
	o := output{raw: r.Header.Get("Neon-Raw-Text-Output") == headerTrue, arrayMode: r.Header.Get("Neon-Array-Mode") == headerTrue, limit: s.options.MaxResponse}

	p, b, err := s.receive(w, r, to, bearer)
	if err != nil {
		return nil, tx, err
	}
	key := poolKey{to.database, to.role}
	keep := false
	defer func() {
		if keep {
			s.pool.put(key, b)
		} else {
			s.pool.drop(b)
		}
	}()
	if p.batch {
		body, keep, err = b.interruptible(r.Context(), true, func() ([]byte, bool, error) { return b.runBatch(p.statements, tx, o) })
		return body, tx, err
	}
	body, keep, err = b.interruptible(r.Context(), false, func() ([]byte, bool, error) {
		out, err := b.run(p.statements[0], o, nil)
		return out, err == nil, err
	})
	return body, transaction{}, err
}

// ioLimit is how long a request's body or its answer may take on the way.
const ioLimit = 5 * time.Minute

// bodyGrace is how long a token's error waits for the body, whose error goes first if it is there.
const bodyGrace = 200 * time.Millisecond

// receive reads the body while it checks the token and connects.
func (s *Server) receive(w http.ResponseWriter, r *http.Request, to target, bearer string) (payload, *backend, error) {
	ctx, stop := context.WithCancel(r.Context())
	defer stop()
	if r.ContentLength > int64(s.options.MaxRequest) {
		return payload{}, nil, s.tooLarge()
	}
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(ioLimit)) // not every writer has one
	defer func() { _ = control.SetReadDeadline(time.Time{}) }()
	type received struct {
		payload payload
		err     error
	}
	bodies := make(chan received, 1)
	go func() {
		p, err := s.readPayload(r.Body)
		bodies <- received{p, err}
	}()
	type connected struct {
		backend *backend
		err     error
	}
	sessions := make(chan connected, 1)
	go func() {
		b, err := s.connect(ctx, to, bearer)
		sessions <- connected{b, err}
	}()
	var got received
	select {
	case got = <-bodies:
		if got.err != nil {
			stop()
			if session := <-sessions; session.backend != nil {
				s.pool.put(poolKey{to.database, to.role}, session.backend)
			}
			return payload{}, nil, got.err
		}
		session := <-sessions
		return got.payload, session.backend, session.err
	case session := <-sessions:
		var patience <-chan time.Time
		if session.err != nil {
			timer := time.NewTimer(bodyGrace)
			defer timer.Stop()
			patience = timer.C
		}
		select {
		case got = <-bodies:
		case <-patience:
			// The reader of the body must not outlive the handler.
			_ = control.SetReadDeadline(time.Now())
			<-bodies
			w.Header().Set("Connection", "close")
			return payload{}, nil, session.err
		}
		if got.err != nil {
			if session.backend != nil {
				s.pool.put(poolKey{to.database, to.role}, session.backend)
			}
			return payload{}, nil, got.err
		}
		return got.payload, session.backend, session.err
	}
}

func (s *Server) tooLarge() *failure {
	return refusal("request is too large (max is %d bytes)", s.options.MaxRequest).as(http.StatusRequestEntityTooLarge)
}

func (s *Server) readPayload(r io.Reader) (payload, error) {
	body, err := io.ReadAll(io.LimitReader(r, int64(s.options.MaxRequest)+1))
	if err != nil {
		return payload{}, refusal("could not read the HTTP request body: %s", err)
	}
	if len(body) > s.options.MaxRequest {
		return payload{}, s.tooLarge()
	}
	p, f := parsePayload(body)
	if f != nil {
		return p, f
	}
	return p, nil
}

// connect checks the token and returns a backend on which its session has begun.
func (s *Server) connect(ctx context.Context, to target, bearer string) (*backend, error) {
	t, err := s.keys.check(ctx, bearer, to)
	if err != nil {
		return nil, err
	}
	key := poolKey{to.database, to.role}
	b, err := s.pool.get(ctx, key)
	if err != nil {
		return nil, err
	}
	b.jti++
	session, f := sessionToken(t.payload, b.jti, b.key)
	if f == nil {
		keep := context.AfterFunc(ctx, b.close) // nobody waits for it any more
		err := b.exec("select auth.jwt_session_init('" + session + "')")
		keep()
		if err != nil {
			f = &failure{message: asFailure(err).Error(), status: http.StatusInternalServerError, cause: err}
		}
	}
	if f != nil {
		s.pool.put(key, b)
		return nil, f
	}
	return b, nil
}

// readTarget reads the headers that say where a request goes and as whom.
func readTarget(h http.Header) (target, string, *failure) {
	text, there := visible(h, "Neon-Connection-String")
	if !there {
		return target{}, "", refusal("invalid header: neon-connection-string")
	}
	bearer := ""
	to, f := parseTarget(text, func() *failure {
		auth, ok := visible(h, "Authorization")
		if len(h.Values("Authorization")) > 0 && !ok {
			return refusal("invalid header: authorization")
		}
		if bearer, ok = strings.CutPrefix(auth, "Bearer "); !ok {
			return refusal("missing authentication credentials: required authorization bearer token in JWT format")
		}
		return nil
	})
	return to, bearer, f
}

// visible returns a header of visible ASCII; ok is false if it is absent or something else.
func visible(h http.Header, name string) (value string, ok bool) {
	values := h.Values(name)
	if len(values) == 0 {
		return "", false
	}
	for i := range len(values[0]) {
		if c := values[0][i]; c != '\t' && (c < 0x20 || c >= 0x7f) {
			return "", false
		}
	}
	return values[0], true
}

func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
