package jwkstest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"sync"
	"time"
)

// Options describe the pool. The zero value is a pool of its own with one app client "test-client".
type Options struct {
	Region   string           // default us-east-2
	PoolID   string           // default <Region>_<9 random letters>
	ClientID string           // of tokens that name no other; default test-client
	Address  string           // to listen on; default 127.0.0.1:0
	Issuer   string           // iss of the tokens; default as AWS: https://cognito-idp.<Region>.amazonaws.com/<PoolID>
	LocalIss bool             // iss is the issuer's own address instead: URL() and the pool's path
	TLS      *tls.Config      // serve https with it; nil: http
	Now      func() time.Time // of minted tokens; default time.Now
	Lifetime time.Duration    // of minted tokens; default 1 h
	// Keys sign in this order: access, id, and then as rotations need more. What is missing is generated.
	Keys []*rsa.PrivateKey
}

// Issuer is a running issuer. Its methods may be called from any goroutine.
type Issuer struct {
	options Options
	server  *http.Server
	address string

	mu        sync.Mutex
	access    *SigningKey   // guarded by mu, as all below
	id        *SigningKey   //
	published []*SigningKey // in the key set
	spare     []*rsa.PrivateKey
	fault     Fault
	requests  map[string]int // by path
	release   chan struct{}  // closed when a fault that hangs is over
	closed    chan struct{}
}

// SigningKey is a private key and the id under which its public half is published.
type SigningKey struct {
	ID      string
	Private *rsa.PrivateKey
}

// New starts an issuer on a loopback port. The owner calls Close.
func New(o Options) (*Issuer, error) {
	i, err := NewUnstarted(o)
	if err != nil {
		return nil, err
	}
	if err := i.Start(); err != nil {
		return nil, err
	}
	return i, nil
}

// NewUnstarted returns an issuer without a socket, for Start or Transport.
func NewUnstarted(o Options) (*Issuer, error) {
	setDefault(&o.Region, "us-east-2")
	setDefault(&o.PoolID, o.Region+"_"+letters(9))
	setDefault(&o.ClientID, "test-client")
	setDefault(&o.Address, "127.0.0.1:0")
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Lifetime == 0 {
		o.Lifetime = time.Hour
	}
	i := &Issuer{
		options: o, address: o.Address, spare: o.Keys, requests: make(map[string]int),
		release: make(chan struct{}), closed: make(chan struct{}),
	}
	var err error
	if i.access, i.id, err = i.newPair(); err != nil {
		return nil, err
	}
	i.published = []*SigningKey{i.access, i.id}
	i.server = &http.Server{
		Handler:           i,
		ReadHeaderTimeout: 5 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0), // clients that hang up are what the faults are for
		TLSConfig:         o.TLS,
	}
	return i, nil
}

// Start listens and serves. It may be called once.
func (i *Issuer) Start() error {
	listener, err := net.Listen("tcp", i.options.Address)
	if err != nil {
		return fmt.Errorf("jwkstest: %w", err)
	}
	i.address = listener.Addr().String()
	go i.serve(listener)
	return nil
}

func (i *Issuer) serve(listener net.Listener) {
	if i.options.TLS != nil {
		_ = i.server.ServeTLS(listener, "", "") // ErrServerClosed, after Close
		return
	}
	_ = i.server.Serve(listener)
}

// Close stops the server and drops its connections.
func (i *Issuer) Close() {
	i.mu.Lock()
	select {
	case <-i.closed:
	default:
		close(i.closed)
	}
	i.mu.Unlock()
	_ = i.server.Close()
}

// URL is the server's own address, without a path.
func (i *Issuer) URL() string {
	if i.options.TLS != nil {
		return "https://" + i.address
	}
	return "http://" + i.address
}

// JWKSURL is where the key set is published, in Cognito's form.
func (i *Issuer) JWKSURL() string { return i.URL() + "/" + i.options.PoolID + "/.well-known/jwks.json" }

// Issuer is the value of iss in the minted tokens.
func (i *Issuer) Issuer() string {
	switch {
	case i.options.Issuer != "":
		return i.options.Issuer
	case i.options.LocalIss:
		return i.URL() + "/" + i.options.PoolID
	}
	return "https://cognito-idp." + i.options.Region + ".amazonaws.com/" + i.options.PoolID
}

// Region, PoolID and ClientID are the pool's, as in the options.
func (i *Issuer) Region() string   { return i.options.Region }
func (i *Issuer) PoolID() string   { return i.options.PoolID }
func (i *Issuer) ClientID() string { return i.options.ClientID }

// Requests returns how often a path was asked for; "" means all paths together.
func (i *Issuer) Requests(path string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	if path != "" {
		return i.requests[path]
	}
	all := 0
	for _, n := range i.requests {
		all += n
	}
	return all
}

// Fetches returns how often the key set was asked for.
func (i *Issuer) Fetches() int { return i.Requests("/" + i.options.PoolID + "/.well-known/jwks.json") }

// ServeHTTP answers one request, also without a socket (see Transport).
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	i.requests[r.URL.Path]++
	fault, release := i.fault, i.release
	keySet := i.keySet()
	i.mu.Unlock()
	switch r.URL.Path {
	case "/" + i.options.PoolID + "/.well-known/jwks.json":
		fault.serve(w, r, keySet, release, i.closed)
	case "/" + i.options.PoolID + "/.well-known/openid-configuration":
		i.discovery(w)
	default:
		http.NotFound(w, r)
	}
}

func (i *Issuer) discovery(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"issuer":                                i.Issuer(),
		"jwks_uri":                              i.JWKSURL(),
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"response_types_supported":              []string{"code", "token"},
		"scopes_supported":                      []string{"openid", "email", "phone", "profile"},
		"subject_types_supported":               []string{"public"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic", "client_secret_post"},
	})
}

// keySet is the body as Cognito writes it. Called under mu.
func (i *Issuer) keySet() []byte {
	keys := make([]map[string]string, len(i.published))
	for n, key := range i.published {
		keys[n] = key.JWK()
	}
	body, err := json.Marshal(map[string]any{"keys": keys})
	if err != nil {
		panic("BUG: a map of strings does not marshal")
	}
	return body
}

// JWK is the key's public half as Cognito publishes it.
func (k *SigningKey) JWK() map[string]string {
	public := k.Private.PublicKey
	return map[string]string{
		"alg": "RS256", "e": base64url(big.NewInt(int64(public.E)).Bytes()), "kid": k.ID, "kty": "RSA",
		"n": base64url(public.N.Bytes()), "use": "sig",
	}
}

func base64url(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

func setDefault(value *string, fallback string) {
	if *value == "" {
		*value = fallback
	}
}

func letters(n int) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	text := randomBytes(n)
	for i := range text {
		text[i] = alphabet[int(text[i])%len(alphabet)]
	}
	return string(text)
}

func randomBytes(n int) []byte {
	data := make([]byte, n)
	_, _ = rand.Read(data) // never fails
	return data
}

// uuid is a random one, as Cognito's sub, jti and event_id.
func uuid() string {
	b := randomBytes(16)
	b[6], b[8] = b[6]&0x0F|0x40, b[8]&0x3F|0x80
	h := hex.EncodeToString(b)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
