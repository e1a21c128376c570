package hostsvc

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/pluginv1"
)

type workspaceService struct {
	pluginv1.UnimplementedHostWorkspaceServiceServer
	*host
}

// maxPath bounds the name of a file.
const maxPath = 1024

func (s workspaceService) ready(path string) error {
	switch {
	case s.backend.Workspaces == nil:
		return absent("files of tasks to plugins")
	case len(path) > maxPath || !utf8.ValidString(path) || strings.ContainsFunc(path, unicode.IsControl):
		return apierror.Inputf("A path must be valid UTF-8 without control characters, of at most %d bytes", maxPath)
	}
	return nil
}

func (s workspaceService) ListFiles(_ context.Context, r *pluginv1.ListFilesRequest) (*pluginv1.ListFilesResponse, error) {
	if err := s.ready(r.GetFolder()); err != nil {
		return nil, err
	}
	files, more, err := s.backend.Workspaces.List(s.plugin, r.GetWorkspace(), r.GetFolder(), r.GetAfter())
	if err != nil {
		return nil, err
	}
	out := &pluginv1.ListFilesResponse{Files: make([]*pluginv1.WorkspaceFile, len(files)), More: more}
	for i, f := range files {
		out.Files[i] = &pluginv1.WorkspaceFile{Path: strings.ToValidUTF8(f.Path, "\uFFFD"), Size: f.Size, Executable: f.Executable}
	}
	return out, nil
}

func (s workspaceService) ReadFile(_ context.Context, r *pluginv1.ReadFileRequest) (*pluginv1.ReadFileResponse, error) {
	if err := s.ready(r.GetPath()); err != nil {
		return nil, err
	}
	if r.GetOffset() < 0 {
		return nil, apierror.Inputf("offset must not be negative")
	}
	part, err := s.backend.Workspaces.Read(s.plugin, r.GetWorkspace(), r.GetPath(), r.GetOffset())
	if err != nil {
		return nil, err
	}
	return &pluginv1.ReadFileResponse{Data: part.Data, Size: part.Size, Executable: part.Executable}, nil
}

func (s workspaceService) WriteFile(_ context.Context, r *pluginv1.WriteFileRequest) (*pluginv1.WriteFileResponse, error) {
	if err := s.ready(r.GetPath()); err != nil {
		return nil, err
	}
	if len(r.GetData()) > maxFilePart {
		return nil, apierror.Inputf("A part of a file has at most %d bytes, this one has %d; add the rest with append", maxFilePart, len(r.GetData()))
	}
	w := FileWrite{Path: r.GetPath(), Data: r.GetData(), Append: r.GetAppend(), Executable: r.GetExecutable()}
	return &pluginv1.WriteFileResponse{}, s.backend.Workspaces.Write(s.plugin, r.GetWorkspace(), w)
}

func (s workspaceService) RemoveFile(_ context.Context, r *pluginv1.RemoveFileRequest) (*pluginv1.RemoveFileResponse, error) {
	if err := s.ready(r.GetPath()); err != nil {
		return nil, err
	}
	return &pluginv1.RemoveFileResponse{}, s.backend.Workspaces.Remove(s.plugin, r.GetWorkspace(), r.GetPath())
}
