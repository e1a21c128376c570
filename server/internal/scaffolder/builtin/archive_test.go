package builtin

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"slices"
	"strings"
)

// tarball packs files below one folder, as source-code hosts do; a content "-> x" is a link.
func tarball(files map[string]string) []byte {
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	w := tar.NewWriter(zipped)
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		header := &tar.Header{Name: "repo-abc123/" + name, Mode: 0o644, Size: int64(len(files[name])), Typeflag: tar.TypeReg}
		if strings.HasSuffix(name, ".sh") {
			header.Mode = 0o755
		}
		if target, link := strings.CutPrefix(files[name], "-> "); link {
			header.Typeflag, header.Linkname, header.Size = tar.TypeSymlink, target, 0
		}
		if err := w.WriteHeader(header); err != nil {
			panic(err)
		}
		if header.Typeflag == tar.TypeReg {
			if _, err := w.Write([]byte(files[name])); err != nil {
				panic(err)
			}
		}
	}
	_, _ = w.Close(), zipped.Close()
	return out.Bytes()
}
