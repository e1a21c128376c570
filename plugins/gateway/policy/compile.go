package policy

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"

	"github.com/callboard/callboard/sdk/apierror"
)

// Policy is a compiled bundle. It does not change, and decides for any number of goroutines.
type Policy struct {
	program

	query    ast.Body
	compiled ast.QueryCompiler
	digest   string
	limits   limits
	slots    chan struct{}
}

// program is what evaluations share.
type program struct {
	compiler *ast.Compiler
	store    storage.Store
}

// packageName is where rules stand.
const packageName = "callboard.gateway"

//go:embed all:default
var defaults embed.FS

// Default are the rules that apply where an operator has none; folder default has them.
var Default = sync.OnceValues(func() (*Policy, error) {
	folder, err := defaultFolder()
	if err != nil {
		return nil, err
	}
	return Load(folder)
})

func defaultFolder() (fs.FS, error) { return fs.Sub(defaults, "default") }

// Open compiles the bundle in a folder, or in an archive that is called .tar.gz or .tgz. What is wrong with it is an
// InputError that names file and line.
func Open(path string) (*Policy, error) {
	b, err := readPath(path)
	if err != nil {
		return nil, err
	}
	return compile(b)
}

// Load compiles the bundle in a file system; see [Open].
func Load(fsys fs.FS) (*Policy, error) {
	b, err := readFS(fsys)
	if err != nil {
		return nil, err
	}
	return compile(b)
}

// LoadFiles compiles the bundle of texts by their names, as settings have it. A file that would mean nothing is a mistake.
func LoadFiles(files map[string]string) (*Policy, error) {
	b, err := readTexts(files)
	if err != nil {
		return nil, err
	}
	return compile(b)
}

// Digest identifies the bundle in an audit trail: two bundles of one digest decide alike.
func (p *Policy) Digest() string { return p.digest }

func compile(b bundle) (*Policy, error) {
	prog, err := link(b, b.modules(false))
	if err != nil {
		return nil, err
	}
	if err := checkRules(prog.compiler); err != nil {
		return nil, err
	}
	p := &Policy{program: prog, digest: b.digest(), limits: defaultLimits, slots: make(chan struct{}, atOnce)}
	p.query, p.compiled, err = prog.compileQuery(everyRule())
	return p, err
}

// link compiles files into a program.
func link(b bundle, names []string) (program, error) {
	data, err := b.data()
	if err != nil {
		return program{}, apierror.Inputf("policy: %v", err)
	}
	if len(names) == 0 {
		return program{}, apierror.Inputf("policy: there is no file with rules, *.rego")
	}
	modules := make(map[string]*ast.Module, len(names))
	for _, name := range names {
		m, err := ast.ParseModuleWithOpts(name, string(b[name]), ast.ParserOptions{RegoVersion: ast.RegoV1, Capabilities: capabilities()})
		if err != nil {
			return program{}, explain(err)
		}
		if m == nil {
			return program{}, apierror.Inputf("policy: %s is empty", name)
		}
		modules[name] = m
	}
	compiler := ast.NewCompiler().WithCapabilities(capabilities()).WithSchemas(schemas()).WithDefaultRegoVersion(ast.RegoV1).
		WithPathConflictsCheck(func(path []string) (bool, error) { return exists(data, path), nil })
	if compiler.Compile(modules); compiler.Failed() {
		return program{}, explain(compiler.Errors)
	}
	return program{compiler, inmem.NewFromObjectWithOpts(data, inmem.OptReturnASTValuesOnRead(true))}, nil
}

// capabilities are the language without what is not a function of its arguments.
var capabilities = sync.OnceValue(func() *ast.Capabilities {
	c := ast.CapabilitiesForThisVersion(ast.CapabilitiesRegoVersion(ast.RegoV1))
	c.Builtins = slices.DeleteFunc(c.Builtins, func(b *ast.Builtin) bool { return !allowed(b) })
	c.AllowNet = []string{}
	return c
})

// allowed is a list of families, so that a new one of Open Policy Agent is not there before somebody has looked at it.
func allowed(b *ast.Builtin) bool {
	family, _, dotted := strings.Cut(b.Name, ".")
	switch {
	case b.Name == ast.NowNanos.Name: // the time of the request
		return true
	case b.Nondeterministic || b.IsDeprecated() || b.Name == "trace":
		return false
	case b.Name == ast.JSONMatchSchema.Name || b.Name == ast.JSONSchemaVerify.Name: // they fetch what a schema's $ref names
		return false
	case !dotted:
		return true
	}
	return slices.Contains([]string{
		"array", "base64", "base64url", "glob", "graph", "hex", "internal", "json", "numbers", "object", "regex", "semver",
		"strings", "time", "units", "uri", "urlquery", "uuid", "yaml",
	}, family)
}

func schemas() *ast.SchemaSet {
	var schema any
	if err := json.Unmarshal(inputSchema, &schema); err != nil {
		panic(err) // it is a part of this program
	}
	set := ast.NewSchemaSet()
	set.Put(ast.SchemaRootRef, schema)
	return set
}

func exists(data map[string]any, path []string) bool {
	var value any = data
	for _, key := range path {
		object, ok := value.(map[string]any)
		if !ok {
			return value != nil
		}
		if value, ok = object[key]; !ok {
			return false
		}
	}
	return true
}

func (p program) compileQuery(text string) (ast.Body, ast.QueryCompiler, error) {
	body, err := ast.ParseBodyWithOpts(text, ast.ParserOptions{RegoVersion: ast.RegoV1, SkipRules: true})
	if err != nil {
		return nil, nil, fmt.Errorf("policy: query: %w", err)
	}
	qc := p.compiler.QueryCompiler()
	compiled, err := qc.Compile(body)
	if err != nil {
		return nil, nil, fmt.Errorf("policy: query: %w", err)
	}
	return compiled, qc, nil
}

// explain lists the first mistakes, each with its file and line.
func explain(err error) error {
	const most = 10
	list, ok := errors.AsType[ast.Errors](err)
	if !ok {
		return apierror.Inputf("policy: %v", err)
	}
	texts := make([]string, 0, most+1)
	for i, e := range list {
		if i == most {
			texts = append(texts, fmt.Sprintf("and %d more", len(list)-most))
			break
		}
		texts = append(texts, e.Error())
	}
	return apierror.Inputf("policy: %s", strings.Join(texts, "; "))
}

func (b bundle) digest() string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(b)) {
		fmt.Fprintf(h, "%s\x00%d\x00%s", name, len(b[name]), b[name])
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// run evaluates a compiled query; each of its answers goes to take. It ends soon after ctx does.
func (p program) run(ctx context.Context, query ast.Body, qc ast.QueryCompiler, input *ast.Term, now time.Time, take func(answer) error) error {
	txn, err := p.store.NewTransaction(ctx)
	if err != nil {
		return err
	}
	defer p.store.Abort(ctx, txn)
	return evaluation{p, query, qc, txn}.iterate(ctx, input, now, take)
}
