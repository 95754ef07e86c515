package jwkstest

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// client follows no redirect and keeps no connection.
var client = &http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true, DisableCompression: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Timeout:       10 * time.Second,
}

var testKeys = sync.OnceValue(func() []*rsa.PrivateKey {
	keys := make([]*rsa.PrivateKey, 4)
	for i := range keys {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		keys[i] = key
	}
	return keys
})

func start(t *testing.T, o Options) *Issuer {
	t.Helper()
	o.Keys = testKeys()
	i, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(i.Close)
	return i
}

func get(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	response, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

type keySet struct {
	Keys []struct{ Alg, E, Kid, Kty, N, Use string }
}

func published(t *testing.T, i *Issuer) keySet {
	t.Helper()
	_, body := get(t, i.JWKSURL())
	var set keySet
	if err := json.Unmarshal([]byte(body), &set); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return set
}

// read splits a token, checks its RS256 signature by the key and returns header and claims.
func read(t *testing.T, token string, key *SigningKey) (header, claims map[string]any) {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("%d parts", len(parts))
	}
	objects := make([]map[string]any, 2)
	for i := range objects {
		data, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, &objects[i]); err != nil {
			t.Fatal(err)
		}
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err := rsa.VerifyPKCS1v15(&key.Private.PublicKey, crypto.SHA256, digest[:], signature); err != nil {
		t.Errorf("signature: %v", err)
	}
	return objects[0], objects[1]
}

func names(object map[string]any) string {
	var all []string
	for name := range object {
		all = append(all, name)
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

func TestAddressesAreCognitos(t *testing.T) {
	i := start(t, Options{Region: "eu-west-1"})
	if !strings.HasPrefix(i.PoolID(), "eu-west-1_") || i.Issuer() != "https://cognito-idp.eu-west-1.amazonaws.com/"+i.PoolID() ||
		i.JWKSURL() != i.URL()+"/"+i.PoolID()+"/.well-known/jwks.json" {
		t.Errorf("%s %s %s", i.PoolID(), i.Issuer(), i.JWKSURL())
	}
	_, body := get(t, i.URL()+"/"+i.PoolID()+"/.well-known/openid-configuration")
	var discovery struct {
		Issuer  string
		JWKSURI string `json:"jwks_uri"`
	}
	if err := json.Unmarshal([]byte(body), &discovery); err != nil || discovery.Issuer != i.Issuer() || discovery.JWKSURI != i.JWKSURL() {
		t.Errorf("%s, %v", body, err)
	}
	if response, _ := get(t, i.URL()+"/.well-known/jwks.json"); response.StatusCode != http.StatusNotFound {
		t.Errorf("status %d for another path", response.StatusCode)
	}
	local := start(t, Options{LocalIss: true})
	if local.Issuer() != local.URL()+"/"+local.PoolID() {
		t.Error(local.Issuer())
	}
	if i.Requests("") != 2 || i.Fetches() != 0 {
		t.Errorf("%d requests, %d fetches", i.Requests(""), i.Fetches())
	}
}

func TestMint(t *testing.T) {
	now := time.Unix(1795539123, 0)
	i := start(t, Options{Now: func() time.Time { return now }})
	set := published(t, i)
	if len(set.Keys) != 2 || set.Keys[0].Kid != i.AccessKey().ID || set.Keys[1].Kid != i.IDKey().ID || set.Keys[0].Kid == set.Keys[1].Kid ||
		set.Keys[0].Alg != "RS256" || set.Keys[0].Use != "sig" || set.Keys[0].Kty != "RSA" || set.Keys[0].E != "AQAB" {
		t.Errorf("%+v", set)
	}
	for _, c := range []struct {
		mint  MintOptions
		key   *SigningKey
		names string
		want  map[string]any
	}{
		{MintOptions{Subject: "alice", Groups: []string{"g"}, Scopes: []string{"a", "b"}}, i.AccessKey(),
			"auth_time client_id cognito:groups event_id exp iat iss jti origin_jti scope sub token_use username version",
			map[string]any{"sub": "alice", "username": "alice", "token_use": "access", "client_id": "test-client", "scope": "a b", "iss": i.Issuer(), "exp": 1795542723.0, "iat": 1795539123.0}},
		{MintOptions{Use: "id", Subject: "alice", Username: "Alice", Lifetime: time.Minute}, i.IDKey(),
			"aud auth_time cognito:username email email_verified event_id exp iat iss jti origin_jti sub token_use",
			map[string]any{"cognito:username": "Alice", "aud": "test-client", "token_use": "id", "exp": 1795539183.0, "email": "Alice@example.com"}},
		{MintOptions{M2M: true, ClientID: "machine"}, i.AccessKey(),
			"auth_time client_id exp iat iss jti scope sub token_use version",
			map[string]any{"sub": "machine", "client_id": "machine"}},
		{MintOptions{Claims: map[string]any{"sub": nil, "x": Null, "exp": 7}}, i.AccessKey(),
			"auth_time client_id event_id exp iat iss jti origin_jti scope token_use username version x",
			map[string]any{"exp": 7.0, "x": nil}},
	} {
		token, err := i.Mint(c.mint)
		if err != nil {
			t.Fatal(err)
		}
		header, claims := read(t, token, c.key)
		if names(header) != "alg kid" || header["alg"] != "RS256" || header["kid"] != c.key.ID {
			t.Errorf("header %v", header)
		}
		if got := names(claims); got != c.names {
			t.Errorf("claims %s\n  want %s", got, c.names)
		}
		for name, want := range c.want {
			if claims[name] != want {
				t.Errorf("%s is %v, want %v", name, claims[name], want)
			}
		}
	}
	if _, err := i.Mint(MintOptions{Use: "refresh"}); err == nil {
		t.Error("a refresh token was minted")
	}
	if _, err := i.Mint(MintOptions{Claims: map[string]any{"x": make(chan int)}}); err == nil {
		t.Error("a channel was minted")
	}
}

func TestRotation(t *testing.T) {
	i := start(t, Options{})
	kids := func() (ids []string) {
		for _, key := range published(t, i).Keys {
			ids = append(ids, key.Kid)
		}
		return ids
	}
	first := kids()
	if err := i.Rotate(true); err != nil {
		t.Fatal(err)
	}
	if both := kids(); len(both) != 4 || !slices.Equal(both[:2], first) || both[2] != i.AccessKey().ID {
		t.Errorf("overlap: %q after %q", both, first)
	}
	i.Retire()
	if after := kids(); len(after) != 2 || after[0] != i.AccessKey().ID || after[1] != i.IDKey().ID {
		t.Errorf("retired: %q", after)
	}
	if err := i.Rotate(false); err != nil {
		t.Fatal(err)
	}
	if now := kids(); len(now) != 2 || now[0] != i.AccessKey().ID {
		t.Errorf("without overlap: %q", now)
	}
	i.Publish()
	if none := kids(); len(none) != 0 {
		t.Errorf("published: %q", none)
	}
}

func TestFaults(t *testing.T) {
	i := start(t, Options{})
	i.SetFault(Outage())
	if response, body := get(t, i.JWKSURL()); response.StatusCode != 503 || body != "down" {
		t.Errorf("%d %q", response.StatusCode, body)
	}
	i.SetFault(HTML())
	if response, body := get(t, i.JWKSURL()); response.StatusCode != 200 || !strings.Contains(body, "<title>") || response.Header.Get("Content-Type") != "text/html" {
		t.Errorf("%d %q", response.StatusCode, body)
	}
	i.SetFault(Redirect(302, "http://169.254.169.254/"))
	if response, _ := get(t, i.JWKSURL()); response.StatusCode != 302 || response.Header.Get("Location") != "http://169.254.169.254/" {
		t.Errorf("%d %v", response.StatusCode, response.Header)
	}
	i.SetFault(Body("%s", "{}"))
	if _, body := get(t, i.JWKSURL()); body != "{}" {
		t.Errorf("%q", body)
	}
	i.SetFault(Fault{Size: 100_000})
	if _, body := get(t, i.JWKSURL()); len(body) < 100_000 || !json.Valid([]byte(body)) {
		t.Errorf("%d bytes", len(body))
	}
	i.SetFault(Fault{Size: 100_000, Gzip: true})
	if response, body := get(t, i.JWKSURL()); len(body) > 5000 || response.Header.Get("Content-Encoding") != "gzip" {
		t.Errorf("%d bytes", len(body))
	}
	for _, fault := range []Fault{{CloseAt: -1}, {CloseAt: 10}} {
		i.SetFault(fault)
		response, err := client.Get(i.JWKSURL())
		if err == nil {
			_, err = io.ReadAll(response.Body)
			_ = response.Body.Close()
		}
		if err == nil {
			t.Errorf("%+v: a whole answer", fault)
		}
	}
	i.SetFault(Fault{Hang: true})
	go i.SetFault(Fault{})
	if set := published(t, i); len(set.Keys) != 2 {
		t.Errorf("after the fault: %+v", set)
	}
	i.SetFault(Fault{Hang: true})
	asked := make(chan error)
	go func() {
		response, err := client.Get(i.JWKSURL())
		if err == nil {
			_ = response.Body.Close()
		}
		asked <- err
	}()
	i.Close()
	if err := <-asked; err == nil {
		t.Error("an answer from a closed issuer")
	}
}

// Without a socket the same happens in fake time.
func TestTransport(t *testing.T) {
	keys := testKeys()
	synctest.Test(t, func(t *testing.T) {
		i, err := NewUnstarted(Options{Keys: keys})
		if err != nil {
			t.Fatal(err)
		}
		defer i.Close()
		c := &http.Client{Transport: i.Transport(), Timeout: time.Minute}
		fetch := func() (int, error) {
			response, err := c.Get("https://keys.test/" + i.PoolID() + "/.well-known/jwks.json")
			if err != nil {
				return 0, err
			}
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			return len(body), err
		}
		whole, err := fetch()
		if err != nil || whole != len(i.KeySet()) {
			t.Errorf("%d bytes, %v", whole, err)
		}
		for _, c := range []struct {
			fault Fault
			took  time.Duration
			fails bool
		}{
			{Slow(10 * time.Second), 10 * time.Second, false},
			{Slow(time.Hour), time.Minute, true},
			{Drip(10 * time.Millisecond), time.Duration(whole) * 10 * time.Millisecond, false},
			{Drip(time.Second), time.Minute, true},
			{Fault{Hang: true}, time.Minute, true},
			{Fault{CloseAt: 10}, 0, true},
			{Fault{CloseAt: -1}, 0, true},
		} {
			i.SetFault(c.fault)
			begin := time.Now()
			_, err := fetch()
			if took := time.Since(begin); (err != nil) != c.fails || took != c.took {
				t.Errorf("%+v took %s, want %s: %v", c.fault, took, c.took, err)
			}
		}
		i.SetFault(Slow(time.Hour))
		ctx, cancel := context.WithCancelCause(context.Background())
		time.AfterFunc(time.Second, func() { cancel(errors.New("enough")) })
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://keys.test/"+i.PoolID()+"/.well-known/jwks.json", nil)
		if err != nil {
			t.Fatal(err)
		}
		if response, err := c.Do(request); err == nil {
			_ = response.Body.Close()
			t.Error("an answer to a request that was given up")
		}
	})
}

func TestForge(t *testing.T) {
	i := start(t, Options{})
	token := i.Forge(Forgery{
		MintOptions: MintOptions{Header: map[string]any{"alg": "HS256"}},
		HeaderText:  func(h []byte) []byte { return append(h, ' ') },
		PayloadText: func([]byte) []byte { return []byte("{}") },
		Sign:        HMAC(sha256.New, []byte("key")),
		Assemble:    func(h, p, s string) string { return s + "|" + p + "|" + h },
	})
	parts := strings.Split(token, "|")
	if len(parts) != 3 || parts[1] != "e30" || len(parts[0]) != 43 {
		t.Fatalf("%q", token)
	}
	if header, err := base64.RawURLEncoding.DecodeString(parts[2]); err != nil || !strings.HasSuffix(string(header), "} ") || !strings.Contains(string(header), `"HS256"`) {
		t.Errorf("header %q, %v", header, err)
	}
	whole := i.Forge(Forgery{MintOptions: MintOptions{Subject: "a"}})
	if _, claims := read(t, whole, i.AccessKey()); claims["sub"] != "a" {
		t.Errorf("%v", claims)
	}
}
