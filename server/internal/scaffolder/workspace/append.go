package workspace

import (
	"errors"
	"os"
	"syscall"

	"github.com/callboard/callboard/sdk/apierror"
)

// AppendFile adds to the end of an existing regular file.
func (d *Dir) AppendFile(rel string, data []byte) error {
	at, err := d.Resolve(rel)
	if err != nil {
		return err
	}
	f, err := d.root.OpenFile(at, os.O_WRONLY|os.O_APPEND|syscall.O_NONBLOCK, 0)
	if err != nil {
		return explain("write", rel, err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = apierror.Inputf("%s is not a regular file", rel)
	}
	if err == nil {
		_, err = f.Write(data)
	}
	return explain("write", rel, errors.Join(err, f.Close()))
}
