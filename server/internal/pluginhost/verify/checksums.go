package verify

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/callboard/callboard/sdk/excerpt"
)

// ChecksumsFile is the name of the list that stands for the whole content of a plugin.
const ChecksumsFile = "checksums"

// Hash is the SHA-256 of a checksums file in hexadecimal: the name of one exact content of a plugin, whatever it was
// packed in and whoever signed it.
type Hash string

// Checksums are the files of a plugin with their SHA-256, in the order of their paths. The text form is that of sha256sum,
// so `sha256sum -c checksums` checks a folder without this program.
type Checksums []Sum

// Sum is one file.
type Sum struct {
	Path string
	Hash [sha256.Size]byte
}

// ParseChecksums reads the text form and nothing looser: a second way to write the same list would have another [Hash].
func ParseChecksums(data []byte) (Checksums, error) {
	if len(data) > maxChecksums {
		return nil, refusef(ChecksumsFile, "is larger than %d bytes", maxChecksums)
	}
	var sums Checksums
	lines := bufio.NewScanner(bytes.NewReader(data))
	for lines.Scan() {
		sum, err := parseSum(lines.Text())
		if err != nil {
			return nil, refusef(ChecksumsFile, "line %d %v", len(sums)+1, err)
		}
		if len(sums) > 0 && sums[len(sums)-1].Path >= sum.Path {
			return nil, refusef(ChecksumsFile, "line %d: %q is not in order, or stands here twice", len(sums)+1, sum.Path)
		}
		sums = append(sums, sum)
	}
	if lines.Err() != nil || !bytes.Equal(sums.Text(), data) {
		return nil, refusef(ChecksumsFile, "is not in the form that `callboard plugin pack` writes")
	}
	if len(sums) == 0 {
		return nil, refusef(ChecksumsFile, "is empty")
	}
	return sums, nil
}

func parseSum(line string) (Sum, error) {
	var sum Sum
	digits, path, ok := strings.Cut(line, "  ")
	if n, err := hex.Decode(sum.Hash[:], []byte(clipDigits(digits))); !ok || err != nil || n != sha256.Size || len(digits) != 2*sha256.Size {
		return sum, errors.New("is not a SHA-256, two blanks and a path")
	}
	if err := checkPath(path); err != nil {
		return sum, err
	}
	if isSeal(path) {
		return sum, fmt.Errorf("names %q, which cannot be part of itself", path)
	}
	sum.Path = path
	return sum, nil
}

// clipDigits keeps hex.Decode inside its destination.
func clipDigits(s string) string { return s[:min(len(s), 2*sha256.Size)] }

// Text is the content of the checksums file.
func (c Checksums) Text() []byte {
	var b bytes.Buffer
	for _, sum := range c {
		b.WriteString(hex.EncodeToString(sum.Hash[:]) + "  " + sum.Path + "\n")
	}
	return b.Bytes()
}

// Hash names the content.
func (c Checksums) Hash() Hash {
	sum := sha256.Sum256(c.Text())
	return Hash(hex.EncodeToString(sum[:]))
}

// Find is the SHA-256 of one file.
func (c Checksums) Find(path string) ([sha256.Size]byte, bool) {
	i, ok := slices.BinarySearchFunc(c, path, func(s Sum, path string) int { return cmp.Compare(s.Path, path) })
	if !ok {
		return [sha256.Size]byte{}, false
	}
	return c[i].Hash, true
}

// Without are the checksums but for some files, as for a package of one platform.
func (c Checksums) Without(paths ...string) Checksums {
	return slices.DeleteFunc(slices.Clone(c), func(s Sum) bool { return slices.Contains(paths, s.Path) })
}

// Compare says how found differs from what is listed here, a sentence for each file.
func (c Checksums) Compare(found Checksums) Refusals {
	var out Refusals
	for _, sum := range c {
		switch got, ok := found.Find(sum.Path); {
		case !ok:
			out = append(out, refusef(sum.Path, "is in %s and not in the plugin", ChecksumsFile))
		case got != sum.Hash:
			out = append(out, refusef(sum.Path, "has been changed: its SHA-256 is not the one in %s", ChecksumsFile))
		}
	}
	for _, sum := range found {
		if _, ok := c.Find(sum.Path); !ok {
			out = append(out, refusef(sum.Path, "is in the plugin and not in %s", ChecksumsFile))
		}
	}
	return out
}

// checkPath takes paths that mean the same file on every system.
func checkPath(path string) error {
	switch {
	case len(path) > maxPath || strings.Count(path, "/") > maxDepth:
		return fmt.Errorf("%q is too long or too deep a path", excerpt.Short(path))
	case !fs.ValidPath(path) || path == ".":
		return fmt.Errorf("%q is not a path inside the plugin", excerpt.Short(path))
	case strings.ContainsFunc(path, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' || r == ':' }):
		return fmt.Errorf("%q has characters that paths of plugins may not have", excerpt.Short(path))
	}
	return nil
}
