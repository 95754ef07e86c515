package devstack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// MaxExpires is the longest life of a minted token: Cognito's own limit, and what the proxy accepts at most.
const MaxExpires = 24 * time.Hour

// TokenRequest says which token to mint. The zero value of all but User is an access token that lives an hour.
type TokenRequest struct {
	User    string        `json:"user"`              // becomes the token's sub and username
	Expires time.Duration `json:"expires,omitempty"` // 0 is an hour; negative is a token that has expired that long ago
	Groups  []string      `json:"groups,omitempty"`  // cognito:groups
	Use     string        `json:"use,omitempty"`     // "access" or "id"; "" is access
}

// Check returns the first fault of a request, as a sentence for whoever typed it.
func (r TokenRequest) Check() error {
	switch {
	case r.User == "":
		return errors.New("a token needs a user")
	case strings.ContainsFunc(r.User, func(c rune) bool { return c < ' ' || c == 0x7f }):
		return errors.New("a user's name has no control characters")
	case r.Expires > MaxExpires || r.Expires < -MaxExpires:
		return fmt.Errorf("a token lives at most %v", MaxExpires)
	case r.Use != "" && r.Use != "access" && r.Use != "id":
		return fmt.Errorf("a token's use is access or id, not %q", r.Use)
	}
	return nil
}

const (
	mintSocket     = "mint.sock"
	maxMintRequest = 64 << 10
	maxMintReply   = 64 << 10
	mintLimit      = 5 * time.Second
)

// minter mints tokens for other processes of the same user, over a Unix socket in the stack's directory, which only that
// user may enter. So the signing key never leaves this process, no secret has to be stored or compared, a token cannot be
// had after the stack has ended, and no web page or other user on this machine can reach it, as they could a TCP port.
type minter struct {
	server *http.Server
	done   chan struct{} // closed when Serve has returned
	path   string
}

// startMinter listens in dir. mint makes the tokens.
func startMinter(dir string, mint func(TokenRequest) (string, error)) (*minter, error) {
	m := &minter{path: filepath.Join(dir, mintSocket), done: make(chan struct{})}
	l, err := net.Listen("unix", m.path)
	if err != nil {
		return nil, fmt.Errorf("devstack: socket for tokens: %w", err)
	}
	if err := os.Chmod(m.path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("devstack: socket for tokens: %w", err), l.Close())
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		var req TokenRequest
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxMintRequest)).Decode(&req); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if err := req.Check(); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		token, err := mint(req)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/jwt")
		_, _ = io.WriteString(w, token) // a caller that has gone does not need it
	})
	m.server = &http.Server{Handler: mux, ReadTimeout: mintLimit, WriteTimeout: mintLimit, MaxHeaderBytes: 8 << 10}
	go func() {
		defer close(m.done)
		_ = m.server.Serve(l) // returns at Close, with ErrServerClosed
	}()
	return m, nil
}

func (m *minter) close() error {
	err := m.server.Close()
	<-m.done
	return err
}

// RequestToken asks the stack that listens on socket (see [Stack.TokenSocket]) for a token.
func RequestToken(ctx context.Context, socket string, req TokenRequest) (string, error) {
	body, err := json.Marshal(req)
	if err != nil {
		return "", fmt.Errorf("devstack: token request: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, mintLimit)
	defer cancel()
	// The host is never looked up: every connection goes to the socket.
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://stack/token", bytes.NewReader(body))
	if err != nil {
		return "", fmt.Errorf("devstack: token request: %w", err)
	}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
		DisableKeepAlives: true,
	}
	answer, err := transport.RoundTrip(r)
	if err != nil {
		return "", fmt.Errorf("devstack: ask for a token: %w", err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxMintReply))
	if err != nil {
		return "", fmt.Errorf("devstack: ask for a token: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		return "", errors.New(strings.TrimSpace(string(text)))
	}
	return string(text), nil
}
