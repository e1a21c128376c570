package templating

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"modernc.org/quickjs"

	"github.com/callboard/callboard/sdk/apierror"
)

//go:embed engine.js
var engineSource string

// compiled is the language as bytecode, which loads faster than its source. Bytecode is of one release of QuickJS, so it is
// made by the process that runs it.
var compiled = sync.OnceValues(func() ([]byte, error) {
	vm, err := quickjs.NewVM()
	if err != nil {
		return nil, fmt.Errorf("template language: %w", err)
	}
	defer vm.Close()
	code, err := vm.Compile(engineSource, quickjs.EvalGlobal)
	if err != nil {
		return nil, fmt.Errorf("template language: compile: %w", err)
	}
	return code, nil
})

// machine is one virtual machine with the language loaded. It is used by one goroutine at a time.
type machine struct {
	vm                    *quickjs.VM
	value, file, validate quickjs.Value

	// What the call that runs now has.
	watch  *watch
	filter func(id string, input json.RawMessage, arguments []json.RawMessage) (json.RawMessage, error)

	options Options
}

func newMachine(o Options) (*machine, error) {
	code, err := compiled()
	if err != nil {
		return nil, err
	}
	vm, err := quickjs.NewVM()
	if err != nil {
		return nil, fmt.Errorf("template language: %w", err)
	}
	m := &machine{vm: vm, options: o}
	vm.SetMemoryLimit(uintptr(o.Memory))
	vm.SetMaxStackSize(uintptr(o.Stack))
	if err := m.load(code); err != nil {
		m.close()
		return nil, fmt.Errorf("template language: load: %w", err)
	}
	return m, nil
}

func (m *machine) load(code []byte) error {
	if err := m.vm.RegisterHostFunc("callboardHost", m.hostFilter); err != nil {
		return err
	}
	if _, err := m.vm.EvalBytecode(code); err != nil {
		return err
	}
	for name, function := range map[string]*quickjs.Value{"value": &m.value, "file": &m.file, "validate": &m.validate} {
		var err error
		if *function, err = m.vm.EvalValue("callboard."+name, quickjs.EvalGlobal); err != nil {
			return err
		}
	}
	integrations, err := json.Marshal(append([]Integration{}, m.options.Integrations...))
	if err != nil {
		return err
	}
	_, err = m.vm.Call("callboard.configure", string(integrations))
	return err
}

func (m *machine) close() {
	for _, function := range []*quickjs.Value{&m.value, &m.file, &m.validate} {
		if function.VM() != nil {
			function.Free()
		}
	}
	_ = m.vm.Close() // a machine that was abandoned cannot do better
}

// errNoAnswer is a call that answered undefined.
var errNoAnswer = errors.New("no answer")

// call calls a function that answers a text.
func (m *machine) call(function quickjs.Value, args ...any) (string, error) {
	answer, err := function.Call(quickjs.UndefinedValue, args...)
	var thrown *quickjs.Error
	switch {
	case errors.As(err, &thrown):
		return "", &thrownError{name: thrown.Name, message: thrown.Message}
	case err != nil:
		return "", &thrownError{message: err.Error()}
	}
	if text, ok := answer.(string); ok {
		return text, nil
	}
	return "", errNoAnswer
}

// useFilters makes filters those that templates of this call can use; it answers their names for the language.
func (m *machine) useFilters(ctx context.Context, filters []Filter) string {
	m.filter = func(id string, input json.RawMessage, arguments []json.RawMessage) (json.RawMessage, error) {
		at := slices.IndexFunc(filters, func(f Filter) bool { return f.ID == id })
		if at < 0 {
			return nil, fmt.Errorf("the filter %q is not there any more", id)
		}
		m.watch.pause()
		defer m.watch.resume()
		own, cancel := context.WithTimeout(ctx, m.options.FilterTimeout)
		defer cancel()
		return filters[at].Call(own, input, arguments)
	}
	names := make([]string, len(filters))
	for i, f := range filters {
		names[i] = f.ID
	}
	data, _ := json.Marshal(names) // strings always marshal
	return string(data)
}

// hostFilter is what a filter of a plugin is in the machine: a function of its name, its input and its arguments.
func (m *machine) hostFilter(args []any) (any, error) {
	id, input, arguments, err := hostArguments(args)
	if err != nil {
		return nil, err
	}
	answer, err := m.filter(id, input, arguments)
	return string(answer), err
}

func hostArguments(args []any) (id string, input json.RawMessage, arguments []json.RawMessage, err error) {
	texts := make([]string, 3)
	for i := range texts {
		text, ok := "", false
		if i < len(args) {
			text, ok = args[i].(string)
		}
		if !ok {
			return "", nil, nil, fmt.Errorf("argument %d of a filter is no text", i)
		}
		texts[i] = text
	}
	err = json.Unmarshal([]byte(texts[2]), &arguments)
	return texts[0], json.RawMessage(texts[1]), arguments, err
}

// thrownError is an exception of the machine.
type thrownError struct{ name, message string }

func (e *thrownError) Error() string { return e.name + ": " + e.message }

// isMemory: an exception that is null is thrown when there is not even memory for one that is not.
func (e *thrownError) isMemory() bool {
	return strings.Contains(e.message, "out of memory") || e.message == "null" || e.message == ""
}

func (e *thrownError) isStack() bool { return strings.Contains(e.message, "stack overflow") }

func (e *thrownError) isLimit() bool { return e.isMemory() || e.isStack() }

// renderError is the name of what is wrong with the text of a file. A dry run that ends with it is answered with 500, as
// in the reference.
const renderError = "TemplateRenderError"

// asAPIError keeps the name, which texts of failed steps begin with. It is the template that is wrong.
func (e *thrownError) asAPIError() error {
	wrong := apierror.New(apierror.Name(e.name), e.message)
	if e.name != renderError {
		wrong.Status = 400
	}
	return wrong
}
