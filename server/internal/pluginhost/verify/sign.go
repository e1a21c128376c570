package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"aead.dev/minisign"

	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// Signing is what was signed, and where the signature is.
type Signing struct {
	Manifest *manifest.Manifest
	Hash     Hash
	// File is the signature's name in the folder or package.
	File string
}

// SignFolder writes checksums and a signature into a plugin's folder. Signatures over an earlier content go: they would
// have the plugin refused.
func SignFolder(ctx context.Context, dir string, key minisign.PrivateKey) (*Signing, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, refusef(dir, "cannot be opened: %v", reason(err))
	}
	defer root.Close()
	m, err := manifest.ReadRoot(root, filepath.Join(dir, manifest.File))
	if err != nil {
		return nil, err
	}
	sums, err := SumFolder(ctx, root)
	if err == nil {
		err = writeChecksums(root, sums)
	}
	if err != nil {
		return nil, inFolder(dir, err)
	}
	return signRoot(root, m, sums, key)
}

func signRoot(root *os.Root, m *manifest.Manifest, sums Checksums, key minisign.PrivateKey) (*Signing, error) {
	have, err := readSignatures(root)
	if err != nil {
		return nil, err
	}
	name, err := signatureName(key, have)
	if err == nil {
		err = root.WriteFile(name, Sign(key, m, sums), 0o644)
	}
	if err != nil {
		return nil, fmt.Errorf("sign plugin %s: %w", m.ID, err)
	}
	return &Signing{Manifest: m, Hash: sums.Hash(), File: name}, nil
}

func writeChecksums(root *os.Root, sums Checksums) error {
	old, err := root.ReadFile(ChecksumsFile)
	if err == nil && bytes.Equal(old, sums.Text()) {
		return nil
	}
	stale, err := readSignatures(root)
	if err != nil {
		return err
	}
	for _, s := range stale {
		if err := root.Remove(s.file); err != nil {
			return err
		}
	}
	return root.WriteFile(ChecksumsFile, sums.Text(), 0o644)
}

// SignPackage adds a signature to a package file, after its content was checked as a whole. The file is replaced at once
// or not at all.
func SignPackage(ctx context.Context, file string, key minisign.PrivateKey) (signed *Signing, err error) {
	temp, err := os.MkdirTemp("", "callboard-sign-")
	if err != nil {
		return nil, fmt.Errorf("sign %s: %w", file, err)
	}
	defer func() { err = errors.Join(err, removeTree(temp)) }()
	root, sums, err := unpackForSigning(ctx, file, temp)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	m, err := manifest.ReadRoot(root, filepath.Join(file, manifest.File))
	if err != nil {
		return nil, err
	}
	if signed, err = signRoot(root, m, sums, key); err != nil {
		return nil, err
	}
	return signed, PackFile(ctx, file, root, sums)
}

// unpackForSigning makes the content a folder that may be written to.
func unpackForSigning(ctx context.Context, file, temp string) (*os.Root, Checksums, error) {
	p, err := OpenPackage(file)
	if err != nil {
		return nil, nil, err
	}
	defer p.Close()
	store, err := OpenStore(temp)
	if err == nil {
		err = p.Unpack(ctx, store)
	}
	if err != nil {
		return nil, nil, err
	}
	dir := store.Path(p.sums.Hash())
	if err := os.Chmod(dir, 0o700); err != nil { //nolint:gosec // a folder
		return nil, nil, fmt.Errorf("sign %s: %w", file, err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("sign %s: %w", file, err)
	}
	for _, s := range p.signatures {
		if err := root.WriteFile(s.file, append(s.text, '\n'), 0o644); err != nil {
			return nil, nil, errors.Join(err, root.Close())
		}
	}
	return root, p.sums, nil
}

// PackFile writes a package file, at once or not at all.
func PackFile(ctx context.Context, file string, from *os.Root, sums Checksums) error {
	out, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+"-*")
	if err != nil {
		return fmt.Errorf("write package: %w", err)
	}
	err = errors.Join(Pack(ctx, out, from, sums), out.Chmod(fs.FileMode(0o644)), out.Close())
	if err == nil {
		err = os.Rename(out.Name(), file)
	}
	if err != nil {
		return fmt.Errorf("write package %s: %w", file, errors.Join(err, os.Remove(out.Name())))
	}
	return nil
}
