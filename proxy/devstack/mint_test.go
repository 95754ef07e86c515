package devstack

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"
)

func TestTokensAreMintedOverTheSocket(t *testing.T) {
	dir := t.TempDir()
	var got TokenRequest
	m, err := startMinter(dir, func(r TokenRequest) (string, error) {
		got = r
		if r.User == "nobody" {
			return "", errors.New("no key")
		}
		return "h.p.s", nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := TokenRequest{User: "alice", Expires: -time.Minute, Groups: []string{"a", "b c"}, Use: "id"}
	token, err := RequestToken(t.Context(), m.path, want)
	if err != nil || token != "h.p.s" {
		t.Fatalf("token is %q, %v", token, err)
	}
	if got.User != want.User || got.Expires != want.Expires || strings.Join(got.Groups, "|") != "a|b c" || got.Use != want.Use {
		t.Errorf("the issuer was asked for %+v, want %+v", got, want)
	}
	for _, bad := range []struct {
		request TokenRequest
		text    string
	}{
		{TokenRequest{}, "a token needs a user"},
		{TokenRequest{User: "a\x00b"}, "a user's name has no control characters"},
		{TokenRequest{User: "alice", Expires: 25 * time.Hour}, "a token lives at most 24h0m0s"},
		{TokenRequest{User: "alice", Use: "refresh"}, `a token's use is access or id, not "refresh"`},
		{TokenRequest{User: "nobody"}, "no key"},
	} {
		if _, err := RequestToken(t.Context(), m.path, bad.request); err == nil || err.Error() != bad.text {
			t.Errorf("%+v: error %v, want %q", bad.request, err, bad.text)
		}
	}
	info, err := os.Stat(m.path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the socket's mode is %v", info.Mode())
	}
	if err := m.close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(m.path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
	if _, err := RequestToken(t.Context(), m.path, want); err == nil {
		t.Error("a stack that has ended gave a token")
	}
}
