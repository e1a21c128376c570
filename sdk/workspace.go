package sdk

import (
	"bytes"
	"context"

	"github.com/callboard/callboard/sdk/pluginv1"
)

// Workspace is the files of the task that an action is a step of: what the steps before it left, and what those after it
// find. Needs scaffolder: [workspace]. The files are the host's, and are reached through messages: the plugin sees no folder
// of the host. It ends with the step; calls fail with [ErrNotFound] then, and where no workspace is shared.
//
// Paths are relative and have "/". They lead nowhere outside of the workspace, whatever links are in it.
type Workspace struct {
	c      pluginv1.HostWorkspaceServiceClient
	handle string
}

// WorkspaceFile is one file.
type WorkspaceFile struct {
	Path       string // from the workspace's root: "src/main.go"
	Size       int64
	Executable bool
}

// Shared reports whether there is a workspace.
func (w Workspace) Shared() bool { return w.handle != "" }

// List is all files of a folder and below, by path; "" = the whole workspace.
func (w Workspace) List(ctx context.Context, folder string) ([]WorkspaceFile, error) {
	var files []WorkspaceFile
	req := &pluginv1.ListFilesRequest{Workspace: w.handle, Folder: folder}
	for {
		page, err := w.c.ListFiles(ctx, req)
		if err != nil {
			return nil, err
		}
		for _, f := range page.GetFiles() {
			files = append(files, WorkspaceFile{f.GetPath(), f.GetSize(), f.GetExecutable()})
		}
		if !page.GetMore() || len(page.GetFiles()) == 0 {
			return files, nil
		}
		req.After = files[len(files)-1].Path
	}
}

// ReadFile is the content of a file.
func (w Workspace) ReadFile(ctx context.Context, path string) ([]byte, error) {
	var content bytes.Buffer
	for {
		part, err := w.c.ReadFile(ctx, &pluginv1.ReadFileRequest{Workspace: w.handle, Path: path, Offset: int64(content.Len())})
		if err != nil {
			return nil, err
		}
		content.Write(part.GetData())
		if len(part.GetData()) == 0 || int64(content.Len()) >= part.GetSize() {
			return content.Bytes(), nil
		}
	}
}

// WriteOptions say how to write a file.
type WriteOptions struct{ Executable bool }

// WriteFile makes a file, with the folders that lead to it, or replaces one. A step may write 64 MiB in all.
func (w Workspace) WriteFile(ctx context.Context, path string, data []byte, options ...WriteOptions) error {
	req := &pluginv1.WriteFileRequest{Workspace: w.handle, Path: path, Executable: only("WriteFile", options).Executable}
	for {
		part := data[:min(len(data), maxFilePart)]
		data, req.Data = data[len(part):], part
		if _, err := w.c.WriteFile(ctx, req); err != nil {
			return err
		}
		if len(data) == 0 {
			return nil
		}
		req.Append = true
	}
}

// maxFilePart is the protocol's size of a part of a file.
const maxFilePart = 192 << 10

// Remove removes a file, or a folder with all that is in it; one that is not there is no error.
func (w Workspace) Remove(ctx context.Context, path string) error {
	_, err := w.c.RemoveFile(ctx, &pluginv1.RemoveFileRequest{Workspace: w.handle, Path: path})
	return err
}
