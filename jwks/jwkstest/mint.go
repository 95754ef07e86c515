package jwkstest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"
)

// MintOptions say what a token is like. The zero value is an access token of a new user.
type MintOptions struct {
	Subject  string // default a random uuid
	Username string // default Subject
	Use      string // access (default) or id
	ClientID string // default the issuer's
	Groups   []string
	Scopes   []string      // access only; default aws.cognito.signin.user.admin
	Email    string        // id only
	Lifetime time.Duration // default the issuer's
	IssuedAt time.Time     // default now; exp follows from it
	M2M      bool          // an access token of the client-credentials grant: sub is the client id, no user

	// Claims are added or, if there by the same name, replaced; a nil value (not a JSON null: see Null) takes the claim away.
	Claims map[string]any
	// Header likewise.
	Header map[string]any
	// Key signs instead of the issuer's own; the header's kid is its id.
	Key *SigningKey
}

// Null is a JSON null, where nil means "no such claim".
var Null = json.RawMessage("null")

// Mint returns a compact JWS with the claims that Cognito puts into such a token. It fails for a use that Cognito does not know.
func (i *Issuer) Mint(o MintOptions) (string, error) {
	header, claims, key, err := i.prepare(o)
	if err != nil {
		return "", err
	}
	headerText, err := json.Marshal(header)
	if err != nil {
		return "", fmt.Errorf("jwkstest: header: %w", err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("jwkstest: claims: %w", err)
	}
	return Sign(headerText, payload, key.Private)
}

func (i *Issuer) prepare(o MintOptions) (header, claims map[string]any, key *SigningKey, err error) {
	setDefault(&o.Use, "access")
	setDefault(&o.Subject, uuid())
	setDefault(&o.Username, o.Subject)
	setDefault(&o.ClientID, i.options.ClientID)
	if o.Lifetime == 0 {
		o.Lifetime = i.options.Lifetime
	}
	if o.IssuedAt.IsZero() {
		o.IssuedAt = i.options.Now()
	}
	issued := o.IssuedAt.Unix()
	claims = map[string]any{
		"iss": i.Issuer(), "sub": o.Subject, "token_use": o.Use, "auth_time": issued, "iat": issued,
		"exp": o.IssuedAt.Add(o.Lifetime).Unix(), "jti": uuid(), "origin_jti": uuid(), "event_id": uuid(),
	}
	if len(o.Groups) > 0 {
		claims["cognito:groups"] = o.Groups
	}
	switch o.Use {
	case "access":
		key = i.AccessKey()
		accessClaims(claims, o)
	case "id":
		key = i.IDKey()
		claims["aud"] = o.ClientID
		claims["cognito:username"] = o.Username
		claims["email_verified"] = true
		claims["email"] = o.Email
		if o.Email == "" {
			claims["email"] = o.Username + "@example.com"
		}
	default:
		return nil, nil, nil, fmt.Errorf("jwkstest: token use %q: access or id", o.Use)
	}
	if o.Key != nil {
		key = o.Key
	}
	header = map[string]any{"kid": key.ID, "alg": "RS256"}
	change(claims, o.Claims)
	change(header, o.Header)
	return header, claims, key, nil
}

func accessClaims(claims map[string]any, o MintOptions) {
	claims["client_id"] = o.ClientID
	claims["version"] = 2
	claims["scope"] = "aws.cognito.signin.user.admin"
	if len(o.Scopes) > 0 {
		claims["scope"] = join(o.Scopes)
	}
	if !o.M2M {
		claims["username"] = o.Username
		return
	}
	claims["sub"] = o.ClientID
	for _, name := range []string{"cognito:groups", "origin_jti", "event_id"} {
		delete(claims, name)
	}
}

func join(words []string) string {
	text := ""
	for n, word := range words {
		if n > 0 {
			text += " "
		}
		text += word
	}
	return text
}

func change(object, changes map[string]any) {
	for name, value := range changes {
		if value == nil {
			delete(object, name)
			continue
		}
		object[name] = value
	}
}

// Sign makes a compact JWS of any header and payload texts with an RS256 signature, whatever the header says.
func Sign(header, payload []byte, key *rsa.PrivateKey) (string, error) {
	signed := base64url(header) + "." + base64url(payload)
	signature, err := sign([]byte(signed), key)
	if err != nil {
		return "", err
	}
	return signed + "." + base64url(signature), nil
}

func sign(signed []byte, key *rsa.PrivateKey) ([]byte, error) {
	digest := sha256.Sum256(signed)
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
	if err != nil {
		return nil, fmt.Errorf("jwkstest: %w", err)
	}
	return signature, nil
}
