package jwks

// The only file that knows github.com/lestrrat-go/jwx/v2. Of it two functions are used: jwk.ParseKey for one key at a time, and
// jws.Verify with one key and RS256. What else it offers accepts too much: jwk.Parse takes e=1, symmetric keys and duplicate key
// ids, and fails whole on one bad key; jws.Verify takes duplicate headers, crit, padding and trailing bytes, so a strict parser
// has to come before it (package cognito).

import (
	"bytes"
	"crypto/rsa"
	"errors"
	"fmt"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
)

// ErrSignature is the answer to a signature that the key did not make. It says nothing more.
var ErrSignature = errors.New("jwks: the signature does not verify")

// Key is one RSA public key of a set, checked and immutable.
type Key struct {
	id         string
	public     *rsa.PublicKey
	generation uint64 // set before the key's set serves
}

// ID is the key id, at most 256 bytes without control characters.
func (k *Key) ID() string { return k.id }

// Generation is that of the cache whose set the key is in: what was verified with the key is to be verified again when
// [Cache.Generation] is another.
func (k *Key) Generation() uint64 { return k.generation }

// Verify checks the RS256 signature of a compact JWS and returns its payload, which the caller owns. The token must have been
// parsed strictly before. The error is ErrSignature, without the cause: that may quote the token.
func (k *Key) Verify(token []byte) ([]byte, error) {
	payload, err := jws.Verify(token, jws.WithKey(jwa.RS256, k.public), jws.WithCompact())
	if err != nil {
		return nil, ErrSignature
	}
	return payload, nil
}

// publicKey makes a key of n and e, both still base64url as in the JWK. Nothing else of the JWK reaches jwx, so that an x5c or an
// unknown member cannot change what it reads.
func publicKey(n, e string) (*rsa.PublicKey, error) {
	var minimal bytes.Buffer
	fmt.Fprintf(&minimal, `{"kty":"RSA","n":"%s","e":"%s"}`, n, e)
	parsed, err := jwk.ParseKey(minimal.Bytes())
	if err != nil {
		return nil, err
	}
	public := new(rsa.PublicKey)
	if err := parsed.Raw(public); err != nil {
		return nil, err
	}
	return public, nil
}
