package verify

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"aead.dev/minisign"

	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// SignatureFile is the first signature over the checksums file. Further ones are checksums.<name>.minisig. Each is what
// minisign writes, so `minisign -Vm checksums -P KEY` checks it without this program.
const SignatureFile = ChecksumsFile + ".minisig"

const (
	maxSignatures = 16
	maxSignature  = 4096
)

var signatureForm = regexp.MustCompile(`^checksums(\.[A-Za-z0-9-]{1,32})?\.minisig$`)

// isSeal tells the files that speak about the content and are not part of it.
func isSeal(path string) bool { return path == ChecksumsFile || signatureForm.MatchString(path) }

// Level says how far a plugin is trusted, and by whom.
type Level string

// The levels. Official and partner plugins carry a signature of a key that the host trusts for their id; a local one was
// approved by the operator for this exact content; the folder of a plugin in development is trusted as it is, by
// configuration.
const (
	Official    Level = "official"
	Partner     Level = "partner"
	Local       Level = "local"
	Development Level = "development"
	Unsigned    Level = "unsigned"
)

// TrustedKey is a public key, and the plugins that it may speak for.
type TrustedKey struct {
	// IDs is a pattern of plugin ids: "acme-*".
	IDs   string
	Key   minisign.PublicKey
	Level Level
}

// ParseTrustedKey reads a key as minisign prints it ("RW…").
func ParseTrustedKey(ids, key string, level Level) (TrustedKey, error) {
	trusted := TrustedKey{IDs: ids, Level: level}
	if _, err := path.Match(ids, ""); err != nil || ids == "" || strings.ContainsAny(ids, "/\\") {
		return trusted, fmt.Errorf("trusted key: %q is not a pattern of plugin ids such as \"acme-*\"", ids)
	}
	if err := trusted.Key.UnmarshalText([]byte(strings.TrimSpace(key))); err != nil {
		return trusted, fmt.Errorf("trusted key for %s: it must be a public key of minisign, which begins with RW", ids)
	}
	return trusted, nil
}

func (k TrustedKey) speaksFor(id manifest.ID) bool {
	ok, err := path.Match(k.IDs, string(id))
	return err == nil && ok
}

// Signer is a public key in the form of minisign, "local" for an approval of the operator, "" for nobody.
type Signer string

// LocalSigner stands in lock files for plugins that the operator vouches for.
const LocalSigner Signer = "local"

// trust finds the first trusted key that signed the checksums, and the signatures that are good. A signature that claims to
// be of a trusted key and is not good for these checksums is a refusal, however many others are good.
func trust(id manifest.ID, sums []byte, signatures []signature, keys []TrustedKey) (by TrustedKey, good []signature, err error) {
	for _, key := range keys {
		if !key.speaksFor(id) {
			continue
		}
		for _, s := range signatures {
			if s.parsed.KeyID != key.Key.ID() {
				continue
			}
			if !minisign.Verify(key.Key, sums, s.text) {
				return by, nil, refusef(s.file, "is not a signature of the key %s over these checksums: the plugin or the signature was changed after signing", key.Key)
			}
			if len(good) == 0 {
				by = key
			}
			good = append(good, s)
		}
	}
	return by, good, nil
}

// signature is one that was read and not judged.
type signature struct {
	file   string
	text   []byte
	parsed minisign.Signature
}

func parseSignature(file string, text []byte) (signature, error) {
	s := signature{file: file, text: bytes.TrimRight(text, "\r\n")}
	if err := s.parsed.UnmarshalText(s.text); err != nil {
		return s, refusef(file, "is not a signature of minisign")
	}
	return s, nil
}

func readSignatures(root *os.Root) ([]signature, error) {
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return nil, refusef(wholePlugin, "cannot be read: %v", reason(err))
	}
	var out []signature
	for _, entry := range entries {
		if !signatureForm.MatchString(entry.Name()) {
			continue
		}
		if len(out) == maxSignatures {
			return nil, refusef(wholePlugin, "has more than %d signatures", maxSignatures)
		}
		text, err := readSmall(root, entry.Name(), maxSignature)
		if err != nil {
			return nil, err
		}
		s, err := parseSignature(entry.Name(), text)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// Sign signs checksums. The signed comment says what for, so that people who read the file know.
func Sign(key minisign.PrivateKey, m *manifest.Manifest, sums Checksums) []byte {
	about := fmt.Sprintf("callboard plugin %s %s", m.ID, m.Version)
	text := minisign.SignWithComments(key, sums.Text(), about, "signature of a callboard plugin")
	return append(bytes.TrimRight(text, "\n"), '\n')
}

// signatureName is the file for one more signature beside those that are there. A key has one signature; a second replaces
// the first.
func signatureName(key minisign.PrivateKey, have []signature) (string, error) {
	for _, s := range have {
		if s.parsed.KeyID == key.ID() {
			return s.file, nil
		}
	}
	if len(have) >= maxSignatures {
		return "", errors.New("there are as many signatures as a plugin may have")
	}
	if !slices.ContainsFunc(have, func(s signature) bool { return s.file == SignatureFile }) {
		return SignatureFile, nil
	}
	return signatureOf(key.ID()), nil
}

func signatureOf(keyID uint64) string { return fmt.Sprintf("%s.%016x.minisig", ChecksumsFile, keyID) }
