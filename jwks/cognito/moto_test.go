package cognito_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pgturnstile/pgturnstile/jwks"
	"github.com/pgturnstile/pgturnstile/jwks/cognito"
)

// moto is a Cognito that others wrote (https://docs.getmoto.org), running for one test.
type moto struct {
	*testing.T
	url string
}

const motoHint = "moto_server is needed: pip install 'moto[server,cognitoidp]', then put it into PATH or its path into PGTURNSTILE_MOTO_SERVER"

func startMoto(t *testing.T) *moto {
	t.Helper()
	path := os.Getenv("PGTURNSTILE_MOTO_SERVER")
	if path == "" {
		var err error
		if path, err = exec.LookPath("moto_server"); err != nil {
			t.Fatal(motoHint)
		}
	}
	var fault error
	for range 3 { // another process may take the port before moto does
		var m *moto
		if m, fault = tryMoto(t, path); fault == nil {
			return m
		}
	}
	t.Fatalf("moto_server does not start: %v; %s", fault, motoHint)
	return nil
}

// tryMoto runs it on a port that is free now, and waits until it answers.
func tryMoto(t *testing.T, path string) (*moto, error) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(listener.Addr().String())
	if err := errors.Join(err, listener.Close()); err != nil {
		return nil, err
	}
	var output bytes.Buffer
	command := exec.Command(path, "-H", host, "-p", port)
	command.Stdout, command.Stderr = &output, &output
	if err := command.Start(); err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	go func() {
		_ = command.Wait() // killed below, or it says why in its output
		close(ended)
	}()
	t.Cleanup(func() {
		_ = command.Process.Kill()
		<-ended
	})
	m := &moto{T: t, url: "http://" + net.JoinHostPort(host, port)}
	deadline := time.After(60 * time.Second)
	poll := time.NewTicker(50 * time.Millisecond)
	defer poll.Stop()
	for {
		select {
		case <-ended:
			return nil, fmt.Errorf("it ended: %s", output.String())
		case <-deadline:
			return nil, errors.New("no answer after a minute")
		case <-poll.C:
		}
		// Its own page, so that whoever else took the port is not mistaken for it.
		response, err := http.Get(m.url + "/moto-api/")
		if err != nil {
			continue
		}
		_ = response.Body.Close()
		if response.StatusCode == http.StatusOK {
			return m, nil
		}
	}
}

// call makes one call of Cognito's API and reads its answer into out.
func (m *moto) call(action string, in map[string]any, out any) {
	m.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		m.Fatal(err)
	}
	request, err := http.NewRequestWithContext(m.Context(), http.MethodPost, m.url, bytes.NewReader(body))
	if err != nil {
		m.Fatal(err)
	}
	request.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService."+action)
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	// The service and region are read from the credential's scope; the signature is not looked at.
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-2/cognito-idp/aws4_request, SignedHeaders=host, Signature=0")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		m.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil || response.StatusCode != http.StatusOK {
		m.Fatalf("%s: HTTP status %d: %s (%v)", action, response.StatusCode, text, err)
	}
	if out == nil {
		return
	}
	if err := json.Unmarshal(text, out); err != nil {
		m.Fatalf("%s: %v", action, err)
	}
}

// pool creates a user pool with one app client, and returns their ids.
func (m *moto) pool() (pool, client string) {
	m.Helper()
	var created struct{ UserPool struct{ Id string } }
	m.call("CreateUserPool", map[string]any{"PoolName": "users"}, &created)
	return created.UserPool.Id, m.client(created.UserPool.Id)
}

func (m *moto) client(pool string) string {
	m.Helper()
	var created struct{ UserPoolClient struct{ ClientId string } }
	m.call("CreateUserPoolClient", map[string]any{
		"UserPoolId": pool, "ClientName": "psql", "ExplicitAuthFlows": []string{"ALLOW_USER_PASSWORD_AUTH"},
	}, &created)
	return created.UserPoolClient.ClientId
}

// user creates a user with a password, in these groups, and returns the sub.
func (m *moto) user(pool, name, password string, groups ...string) string {
	m.Helper()
	var created struct {
		User struct {
			Attributes []struct{ Name, Value string }
		}
	}
	m.call("AdminCreateUser", map[string]any{"UserPoolId": pool, "Username": name, "MessageAction": "SUPPRESS"}, &created)
	m.call("AdminSetUserPassword", map[string]any{"UserPoolId": pool, "Username": name, "Password": password, "Permanent": true}, nil)
	for _, group := range groups {
		m.call("CreateGroup", map[string]any{"UserPoolId": pool, "GroupName": group}, nil)
		m.call("AdminAddUserToGroup", map[string]any{"UserPoolId": pool, "GroupName": group, "Username": name}, nil)
	}
	for _, attribute := range created.User.Attributes {
		if attribute.Name == "sub" {
			return attribute.Value
		}
	}
	m.Fatal("the user has no sub")
	return ""
}

type motoTokens struct{ AccessToken, IdToken string }

func (m *moto) signIn(client, name, password string) motoTokens {
	m.Helper()
	var answer struct{ AuthenticationResult motoTokens }
	m.call("InitiateAuth", map[string]any{
		"ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH",
		"AuthParameters": map[string]string{"USERNAME": name, "PASSWORD": password},
	}, &answer)
	return answer.AuthenticationResult
}

// motoIssuer is configured as any pool: by region and pool id, but for the address of the keys.
func (m *moto) issuer(pool, client string) cognito.IssuerConfig {
	return cognito.IssuerConfig{
		Name: "moto", Region: "us-east-2", UserPoolID: pool,
		Keys:   jwks.Config{URL: m.url + "/" + pool + "/.well-known/jwks.json"},
		Policy: cognito.Policy{ClientIDs: []string{client}, Groups: []string{"db"}},
	}
}

func TestTokensOfMoto(t *testing.T) {
	m := startMoto(t)
	pool, client := m.pool()
	const password = "Correct-horse-1"
	sub := m.user(pool, "alice", password, "db", "readers")
	m.user(pool, "bob", password)
	tokens := m.signIn(client, "alice", password)

	config := m.issuer(pool, client)
	v := newVerifier(t, cognito.Config{Issuers: []cognito.IssuerConfig{config}})
	claims, err := v.Verify(t.Context(), tokens.AccessToken)
	if err != nil {
		t.Fatal(err)
	}
	want := "https://cognito-idp.us-east-2.amazonaws.com/" + pool
	if claims.Subject != sub || claims.Username != "alice" || claims.ClientID != client || claims.Issuer != want || claims.TokenUse != cognito.UseAccess ||
		len(claims.Groups) != 2 || !slices.Contains(claims.Groups, "readers") || fmt.Sprint(claims.Scopes) != "[aws.cognito.signin.user.admin]" {
		t.Errorf("%v, username %q, client %q, iss %q, use %q, groups %q, scopes %q", claims, claims.Username, claims.ClientID,
			claims.Issuer, claims.TokenUse, claims.Groups, claims.Scopes)
	}
	if life := claims.ExpiresAt.Sub(claims.IssuedAt); life != time.Hour {
		t.Errorf("lifetime %s", life)
	}

	for name, c := range map[string]struct {
		token  string
		reason cognito.Reason
	}{
		"an id token":             {tokens.IdToken, cognito.TokenUse},
		"a user of no group":      {m.signIn(client, "bob", password).AccessToken, cognito.Group},
		"another app client":      {m.signIn(m.client(pool), "alice", password).AccessToken, cognito.Client},
		"a cut token":             {tokens.AccessToken[:len(tokens.AccessToken)-41], cognito.Malformed}, // 301 of the signature's 342 characters: no base64
		"another token's payload": {swapPayload(tokens.AccessToken, tokens.IdToken), cognito.Signature},
	} {
		if err := refusal(t, v, c.token); err.Reason != c.reason {
			t.Errorf("%s: %s, want %s", name, err.Reason, c.reason)
		}
	}

	config.Policy.TokenUse = []string{cognito.UseID}
	ids := newVerifier(t, cognito.Config{Issuers: []cognito.IssuerConfig{config}})
	claims, err = ids.Verify(t.Context(), tokens.IdToken)
	if err != nil {
		t.Fatal(err)
	}
	if claims.Subject != sub || claims.Username != "alice" || claims.ClientID != client || claims.TokenUse != cognito.UseID {
		t.Errorf("%v, username %q, client %q, iss %q, use %q, groups %q, scopes %q", claims, claims.Username, claims.ClientID,
			claims.Issuer, claims.TokenUse, claims.Groups, claims.Scopes)
	}
}

// swapPayload is token with the payload of another, under its own signature.
func swapPayload(token, other string) string {
	parts, others := strings.Split(token, "."), strings.Split(other, ".")
	return parts[0] + "." + others[1] + "." + parts[2]
}

// A second pool of the same moto has the same key and kid: only iss tells them apart.
func TestMotoPoolsAreApart(t *testing.T) {
	m := startMoto(t)
	pool, client := m.pool()
	other, otherClient := m.pool()
	m.user(other, "mallory", "Correct-horse-1", "db")
	token := m.signIn(otherClient, "mallory", "Correct-horse-1").AccessToken
	config := m.issuer(pool, client)
	config.Policy.ClientIDs = append(config.Policy.ClientIDs, otherClient)
	v := newVerifier(t, cognito.Config{Issuers: []cognito.IssuerConfig{config}})
	if err := refusal(t, v, token); err.Reason != cognito.Issuer || err.SQLSTATE() != "28P01" {
		t.Errorf("%s %s", err.SQLSTATE(), err.Reason)
	}
	if _, err := newVerifier(t, cognito.Config{Issuers: []cognito.IssuerConfig{m.issuer(other, otherClient)}}).Verify(t.Context(), token); err != nil {
		t.Errorf("at its own pool: %v", err)
	}
}
