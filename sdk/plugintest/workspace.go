package plugintest

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/pluginv1"
)

// workspaces are the fake host's files of tasks, by handle, for as long as an action runs.
type workspaces struct {
	mu     sync.Mutex
	shared map[string]map[string]workspaceFile
	made   int
}

type workspaceFile struct {
	content    []byte
	executable bool
}

// share makes a workspace with files; end answers what is in it then, and takes it away.
func (w *workspaces) share(files map[string]string) (handle string, end func() map[string]string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.made++
	handle = fmt.Sprintf("workspace-%d", w.made)
	content := map[string]workspaceFile{}
	for name, text := range files {
		content[name] = workspaceFile{content: []byte(text)}
	}
	if w.shared == nil {
		w.shared = map[string]map[string]workspaceFile{}
	}
	w.shared[handle] = content
	return handle, func() map[string]string {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.shared, handle)
		left := map[string]string{}
		for name, f := range content {
			left[name] = string(f.content)
		}
		return left
	}
}

// within finds the workspace, and holds a path to its rules.
func (w *workspaces) within(handle, name string) (files map[string]workspaceFile, clean string, err error) {
	files = w.shared[handle]
	if files == nil {
		return nil, "", apierror.NotFoundf("there is no such workspace, or its step has ended")
	}
	clean = path.Clean(name)
	if path.IsAbs(name) || clean == ".." || strings.HasPrefix(clean, "../") {
		return nil, "", apierror.NotAllowedf("%q leads out of the workspace", name)
	}
	return files, clean, nil
}

// maxPage is less than the real host's, so that small tests have several pages too.
const maxPage = 3

type workspaceService struct {
	pluginv1.UnimplementedHostWorkspaceServiceServer

	w *workspaces
}

func (s workspaceService) ListFiles(_ context.Context, r *pluginv1.ListFilesRequest) (*pluginv1.ListFilesResponse, error) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	files, folder, err := s.w.within(r.GetWorkspace(), r.GetFolder())
	if err != nil {
		return nil, err
	}
	out := &pluginv1.ListFilesResponse{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if name > r.GetAfter() && (folder == "." || strings.HasPrefix(name, folder+"/")) {
			if out.More = len(out.GetFiles()) == maxPage; out.GetMore() {
				break
			}
			f := files[name]
			out.Files = append(out.Files, &pluginv1.WorkspaceFile{Path: name, Size: int64(len(f.content)), Executable: f.executable})
		}
	}
	return out, nil
}

// maxPart is the real host's.
const maxPart = 192 << 10

func (s workspaceService) ReadFile(_ context.Context, r *pluginv1.ReadFileRequest) (*pluginv1.ReadFileResponse, error) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	files, name, err := s.w.within(r.GetWorkspace(), r.GetPath())
	if err != nil {
		return nil, err
	}
	f, ok := files[name]
	if !ok {
		return nil, apierror.NotFoundf("there is no file %s in the workspace", name)
	}
	from := min(max(r.GetOffset(), 0), int64(len(f.content)))
	part := f.content[from:min(from+maxPart, int64(len(f.content)))]
	return &pluginv1.ReadFileResponse{Data: slices.Clone(part), Size: int64(len(f.content)), Executable: f.executable}, nil
}

func (s workspaceService) WriteFile(_ context.Context, r *pluginv1.WriteFileRequest) (*pluginv1.WriteFileResponse, error) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	files, name, err := s.w.within(r.GetWorkspace(), r.GetPath())
	if err != nil {
		return nil, err
	}
	if len(r.GetData()) > maxPart {
		return nil, apierror.Inputf("a part of a file has at most %d bytes, this one has %d", maxPart, len(r.GetData()))
	}
	f := workspaceFile{executable: r.GetExecutable()}
	if r.GetAppend() {
		f.content = files[name].content
	}
	f.content = append(f.content, r.GetData()...)
	files[name] = f
	return &pluginv1.WriteFileResponse{}, nil
}

func (s workspaceService) RemoveFile(_ context.Context, r *pluginv1.RemoveFileRequest) (*pluginv1.RemoveFileResponse, error) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	files, name, err := s.w.within(r.GetWorkspace(), r.GetPath())
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(files, func(other string, _ workspaceFile) bool {
		return other == name || strings.HasPrefix(other, name+"/")
	})
	return &pluginv1.RemoveFileResponse{}, nil
}
