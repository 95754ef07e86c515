package jwkstest

import (
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"sync"
)

// newPair makes the keys for access and id tokens: Cognito has one for each.
func (i *Issuer) newPair() (access, id *SigningKey, err error) {
	var privates [2]*rsa.PrivateKey
	var errs [2]error
	var wait sync.WaitGroup
	for n := range privates {
		if len(i.spare) > 0 {
			privates[n], i.spare = i.spare[0], i.spare[1:]
			continue
		}
		wait.Go(func() { privates[n], errs[n] = rsa.GenerateKey(rand.Reader, 2048) })
	}
	wait.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		return nil, nil, err
	}
	return NewSigningKey(privates[0]), NewSigningKey(privates[1]), nil
}

// NewSigningKey gives a private key a random id of Cognito's form.
func NewSigningKey(private *rsa.PrivateKey) *SigningKey {
	return &SigningKey{ID: base64url(randomBytes(32)) + "=", Private: private}
}

// Rotate replaces both keys: new tokens are signed by new ones. With overlap the old ones stay published, until the next
// rotation without.
func (i *Issuer) Rotate(overlap bool) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	access, id, err := i.newPair()
	if err != nil {
		return err
	}
	i.access, i.id = access, id
	if !overlap {
		i.published = nil
	}
	i.published = append(i.published, access, id)
	return nil
}

// Retire stops publishing all keys that do not sign any more: the end of an overlap.
func (i *Issuer) Retire() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.published = []*SigningKey{i.access, i.id}
}

// Publish replaces the key set by exactly these keys. Tokens are signed as before.
func (i *Issuer) Publish(keys ...*SigningKey) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.published = append([]*SigningKey(nil), keys...)
}

// AccessKey returns the key that signs access tokens now.
func (i *Issuer) AccessKey() *SigningKey {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.access
}

// IDKey returns the key that signs id tokens now.
func (i *Issuer) IDKey() *SigningKey {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.id
}

// KeySet returns the key set as it is published now.
func (i *Issuer) KeySet() []byte {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.keySet()
}
