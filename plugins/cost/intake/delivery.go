package intake

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"
)

// parcel is the files of a place that are imported together.
type parcel struct {
	name    string // of its manifest, folder or only file
	files   []Object
	missing []string // files that its manifest names
}

// modified is when the last of its files has changed.
func (p *parcel) modified() time.Time {
	var last time.Time
	for _, f := range p.files {
		if f.Modified.After(last) {
			last = f.Modified
		}
	}
	return last
}

// fingerprint tells whether anything has changed, without reading.
func (p *parcel) fingerprint() string {
	h := sha256.New()
	for _, f := range p.files {
		fmt.Fprintf(h, "%q %d %d %q\n", f.Name, f.Size, f.Modified.UnixNano(), f.Tag)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// isBill tells files that may be bills by their names.
func isBill(name string) bool {
	lower := strings.ToLower(name)
	for _, end := range []string{".csv", ".csv.gz", ".parquet", ".gz"} {
		if strings.HasSuffix(lower, end) {
			return true
		}
	}
	return false
}

// isManifest tells manifests of AWS (name-Manifest.json) and Azure (manifest.json).
func isManifest(name string) bool { return strings.HasSuffix(strings.ToLower(name), "manifest.json") }

// parcels groups a place's files, by the rules of the package's comment, in the order in which they have changed. named tells
// which files a manifest names.
func parcels(objects []Object, named func(Object) ([]string, error)) ([]parcel, error) {
	var list []parcel
	taken := map[string]bool{}
	for _, o := range objects {
		if !isManifest(o.Name) {
			continue
		}
		names, err := named(o)
		if err != nil {
			return nil, err
		}
		p := manifested(o.Name, names, objects)
		for _, f := range p.files {
			taken[f.Name] = true
		}
		list = append(list, p)
	}
	list = append(list, loose(objects, taken)...)
	for i := range list {
		slices.SortFunc(list[i].files, func(a, b Object) int { return cmp.Compare(a.Name, b.Name) })
	}
	slices.SortStableFunc(list, func(a, b parcel) int { return cmp.Or(a.modified().Compare(b.modified()), cmp.Compare(a.name, b.name)) })
	return list, nil
}

// loose are the parcels of files that no manifest names.
func loose(objects []Object, taken map[string]bool) []parcel {
	var list []parcel
	folders := map[string]int{}
	for _, o := range objects {
		if taken[o.Name] || !isBill(o.Name) {
			continue
		}
		name := o.Name
		if dir := path.Dir(o.Name); strings.Contains(dir, "=") {
			name = dir
		}
		at, known := folders[name]
		if !known {
			at = len(list)
			folders[name] = at
			list = append(list, parcel{name: name})
		}
		list[at].files = append(list[at].files, o)
	}
	return list
}

// manifest is what AWS and Azure write, as far as it is used.
type manifest struct {
	DataFiles []string `json:"dataFiles"` // AWS: s3://bucket/key
	Blobs     []struct {
		BlobName string `json:"blobName"`
	} `json:"blobs"` // Azure
}

const longestManifest = 16 << 20

// readManifest lists the files that a manifest names. One that cannot be understood names a file that there is not.
func readManifest(ctx context.Context, place Place, o Object) ([]string, error) {
	body, err := place.Open(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", o.Name, err)
	}
	defer body.Close()
	text, err := io.ReadAll(io.LimitReader(body, longestManifest))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", o.Name, err)
	}
	var m manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return []string{"(it is no manifest in JSON)"}, nil // the file is at fault, not the reading
	}
	names := m.DataFiles
	for _, b := range m.Blobs {
		names = append(names, b.BlobName)
	}
	return names, nil
}

func manifested(manifest string, names []string, objects []Object) parcel {
	p := parcel{name: manifest}
	for _, name := range names {
		if f, found := find(name, objects); found {
			p.files = append(p.files, f)
		} else {
			p.missing = append(p.missing, name)
		}
	}
	return p
}

// find finds the file that a manifest names, which may do so from above the place, as in s3://bucket/prefix/file.
func find(name string, objects []Object) (Object, bool) {
	if _, rest, isURL := strings.Cut(name, "://"); isURL {
		name = rest
	}
	name = "/" + strings.TrimPrefix(name, "/")
	var best Object
	for _, o := range objects {
		if strings.HasSuffix(name, "/"+o.Name) && len(o.Name) > len(best.Name) {
			best = o
		}
	}
	return best, best.Name != ""
}
