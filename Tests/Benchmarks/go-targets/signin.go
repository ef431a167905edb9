package main

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"
)

// signIn exchanges an assertion for an access token (RFC 7523).
func signIn(client *http.Client, keyFile, tokenURL, user string) (string, error) {
	content, err := os.ReadFile(keyFile)
	if err != nil {
		return "", err
	}
	var account struct {
		Email string `json:"client_email"`
		Key   string `json:"private_key"`
	}
	if err := json.Unmarshal(content, &account); err != nil {
		return "", err
	}
	block, _ := pem.Decode([]byte(account.Key))
	if block == nil {
		return "", fmt.Errorf("no key in %s", keyFile)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return "", err
	}
	now := time.Now().Unix()
	claims := fmt.Sprintf(
		`{"iss":%q,"sub":%q,"scope":"https://mail.google.com/","aud":"https://oauth2.googleapis.com/token","iat":%d,"exp":%d}`,
		account.Email, user, now, now+3600)
	encode := base64.RawURLEncoding.EncodeToString
	unsigned := encode([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + encode([]byte(claims))
	digest := sha256.Sum256([]byte(unsigned))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key.(*rsa.PrivateKey), crypto.SHA256, digest[:])
	if err != nil {
		return "", err
	}
	response, err := client.PostForm(tokenURL, url.Values{
		"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"},
		"assertion":  {unsigned + "." + encode(signature)},
	})
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return "", err
	}
	return answer.Token, nil
}
