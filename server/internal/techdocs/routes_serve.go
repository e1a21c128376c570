package techdocs

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/callboard/callboard/sdk/apierror"
)

// serve answers a file as the reference's static file server does. Conditions and odd ranges are dealt with here, where
// net/http has other answers; it does the rest.
func serve(c *gin.Context, file *os.File, info os.FileInfo) error {
	tag, modified := weakTag(info), info.ModTime().Truncate(time.Second)
	h, asked := c.Writer.Header(), c.Request.Header
	h.Set("Accept-Ranges", "bytes")
	h.Set("Cache-Control", "public, max-age=0")
	h.Set("ETag", tag)
	h.Set("Last-Modified", modified.UTC().Format(http.TimeFormat))
	switch {
	case unmet(asked, tag, modified):
		return &apierror.Error{Name: "PreconditionFailedError", Status: http.StatusPreconditionFailed, Message: "Precondition Failed"}
	case fresh(asked, tag, modified):
		c.Status(http.StatusNotModified)
		c.Writer.WriteHeaderNow()
		return nil
	case !keepRange(asked, info.Size()):
		unsatisfied := fmt.Sprintf("bytes */%d", info.Size())
		h.Set("Content-Range", unsatisfied)
		return &apierror.Error{
			Name: "RangeNotSatisfiableError", Status: http.StatusRequestedRangeNotSatisfiable, Message: "Range Not Satisfiable",
			Fields: map[string]any{"headers": map[string]string{"Content-Range": unsatisfied}},
		}
	}
	for _, decided := range []string{"If-Match", "If-Unmodified-Since", "If-None-Match", "If-Modified-Since"} {
		asked.Del(decided)
	}
	h.Set("Content-Type", contentType(file.Name()))
	http.ServeContent(c.Writer, c.Request, "", modified, file)
	return nil
}

// unmet reports whether the caller wants another version than there is.
func unmet(asked http.Header, tag string, modified time.Time) bool {
	if match := asked.Get("If-Match"); match != "" {
		return match != "*" && !namesTag(match, tag)
	}
	since, err := http.ParseTime(asked.Get("If-Unmodified-Since"))
	return err == nil && modified.After(since)
}

// fresh reports whether the caller has this version. A reload ("Cache-Control: no-cache") never has.
func fresh(asked http.Header, tag string, modified time.Time) bool {
	none, since := asked.Get("If-None-Match"), asked.Get("If-Modified-Since")
	if none == "" && since == "" || strings.Contains(strings.ToLower(strings.Join(asked["Cache-Control"], ",")), "no-cache") {
		return false
	}
	if none != "" && none != "*" && !namesTag(none, tag) {
		return false
	}
	if since == "" {
		return true
	}
	t, err := http.ParseTime(since)
	return err == nil && !modified.After(t)
}

func namesTag(list, tag string) bool {
	return slices.ContainsFunc(strings.Split(list, ","), func(t string) bool {
		return strings.TrimPrefix(strings.TrimSpace(t), "W/") == strings.TrimPrefix(tag, "W/")
	})
}

// keepRange drops a Range that is not one range of bytes, which gets the whole file, and reports whether what is left
// can be satisfied.
func keepRange(asked http.Header, size int64) bool {
	spec, isBytes := strings.CutPrefix(asked.Get("Range"), "bytes=")
	if !isBytes || strings.Contains(spec, ",") {
		asked.Del("Range")
		return true
	}
	if asked.Get("If-Range") != "" {
		return true // net/http compares first
	}
	first, last, _ := strings.Cut(spec, "-")
	from, noFrom := strconv.ParseInt(strings.TrimSpace(first), 10, 64)
	to, noTo := strconv.ParseInt(strings.TrimSpace(last), 10, 64)
	switch {
	case noFrom != nil && noTo != nil:
		return false
	case noFrom != nil:
		return to > 0 && to <= size
	case noTo != nil:
		return from >= 0 && from < size
	}
	return from >= 0 && from < size && from <= to
}
