package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"aead.dev/minisign"
	"golang.org/x/term"

	"github.com/callboard/callboard/server/internal/pluginhost/verify"
)

// PluginSignCommand is `callboard plugin sign`. Keys and signatures are those of minisign, which can be used instead.
type PluginSignCommand struct {
	Path         string `arg:"" optional:"" help:"The package or folder to sign." type:"path"`
	Key          string `required:"" help:"File of the secret key." placeholder:"FILE" type:"path"`
	PasswordFile string `help:"File with the key's password. Without it the terminal is asked." env:"CALLBOARD_SIGN_PASSWORD_FILE" placeholder:"FILE" type:"path"`
	Generate     bool   `help:"Make a new key: --key FILE is written, and the public key beside it as FILE.pub."`
	NoPassword   bool   `help:"With --generate: do not encrypt the secret key. For keys that a secret store keeps."`
}

// Validate is called by kong.
func (c *PluginSignCommand) Validate() error {
	if (c.Path == "") != c.Generate {
		return errors.New("name a package or folder to sign, or make a key with --generate")
	}
	return nil
}

// Run signs, or makes a key.
func (c *PluginSignCommand) Run(ctx context.Context, p *Program) error {
	if c.Generate {
		return c.generate(p)
	}
	key, err := c.secretKey(p)
	if err != nil {
		return err
	}
	info, err := os.Stat(c.Path)
	if err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	sign := verify.SignPackage
	if info.IsDir() {
		sign = verify.SignFolder
	}
	signed, err := sign(ctx, c.Path, key)
	if err != nil {
		return err
	}
	public, ok := key.Public().(minisign.PublicKey)
	if !ok {
		return errors.New("sign: the key has no public half")
	}
	fmt.Fprintf(p.Stdout, "%s %s is signed (%s in %s)\nhash %s\nkey %s\n", signed.Manifest.ID, signed.Manifest.Version, signed.File, c.Path, signed.Hash, public)
	return nil
}

func (c *PluginSignCommand) secretKey(p *Program) (minisign.PrivateKey, error) {
	var key minisign.PrivateKey
	text, err := os.ReadFile(c.Key)
	if err != nil {
		return key, fmt.Errorf("sign: %w", err)
	}
	if !minisign.IsEncrypted(text) {
		if err := key.UnmarshalText(text); err != nil {
			return key, fmt.Errorf("sign: %s is not a secret key of minisign", c.Key)
		}
		return key, nil
	}
	password, err := c.password(p, "Password of "+c.Key)
	if err != nil {
		return key, err
	}
	if key, err = minisign.DecryptKey(password, text); err != nil {
		return key, fmt.Errorf("sign: %s cannot be decrypted: the password is wrong, or the file is damaged", c.Key)
	}
	return key, nil
}

func (c *PluginSignCommand) generate(p *Program) error {
	public, private, err := minisign.GenerateKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	secret, err := c.encrypted(p, private)
	if err != nil {
		return err
	}
	about, err := public.MarshalText()
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	if err := writeNew(c.Key, append(secret, '\n'), 0o600); err != nil {
		return err
	}
	if err := writeNew(c.Key+".pub", append(about, '\n'), 0o644); err != nil {
		return errors.Join(err, os.Remove(c.Key))
	}
	fmt.Fprintf(p.Stdout, "Secret key: %s (keep it to yourself)\nPublic key: %s.pub\n\n", c.Key, c.Key)
	fmt.Fprintf(p.Stdout, "Who installs your plugins says in app-config.yaml for which ids the key speaks:\n\n"+
		"callboard:\n  pluginHost:\n    trustedKeys:\n      - ids: \"my-*\"\n        key: %s\n", public)
	return nil
}

func (c *PluginSignCommand) encrypted(p *Program, private minisign.PrivateKey) ([]byte, error) {
	if c.NoPassword {
		return private.MarshalText()
	}
	password, err := c.password(p, "Password for the new key")
	if err == nil && password == "" {
		err = errors.New("make a key: the password is empty; choose one, or say --no-password")
	}
	if err != nil {
		return nil, err
	}
	secret, err := minisign.EncryptKey(password, private)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	return secret, nil
}

// password comes from a file or from a person. It is no argument and no variable, where others could see it.
func (c *PluginSignCommand) password(p *Program, prompt string) (string, error) {
	if c.PasswordFile != "" {
		text, err := os.ReadFile(c.PasswordFile)
		if err != nil {
			return "", fmt.Errorf("read the password: %w", err)
		}
		return strings.TrimRight(string(text), "\r\n"), nil
	}
	stdin := int(os.Stdin.Fd())
	if !term.IsTerminal(stdin) {
		return "", errors.New("the key has a password and there is no terminal to ask for it; name a file that holds it with --password-file or CALLBOARD_SIGN_PASSWORD_FILE")
	}
	fmt.Fprintf(p.Stderr, "%s: ", prompt)
	text, err := term.ReadPassword(stdin)
	fmt.Fprintln(p.Stderr)
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	return string(text), nil
}

// writeNew never overwrites: a lost secret key cannot be made again.
func writeNew(file string, text []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make a key: %s is there already", file)
	}
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}
