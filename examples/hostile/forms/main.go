// Command forms is a plugin whose forms, titles and outcomes are the texts of a corpus that run where something forgets to
// escape them. The texts lie beside it in texts.json.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/frame"
)

// perForm is how many texts are in a form, each in a field of its own.
const perForm = 10

func main() {
	texts, err := read()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	p := sdk.New("hostile-forms", sdk.About{Version: "0.1.0", Title: `"><svg onload=canary()>`, License: "Apache-2.0", Description: "<img src=x onerror=canary()>"})
	for i := 0; i*perForm < len(texts); i++ {
		own := texts[i*perForm : min((i+1)*perForm, len(texts))]
		p.Widget(form(i, own))
	}
	p.Serve()
}

func read() ([]string, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(filepath.Join(filepath.Dir(program), "texts.json"))
	if err != nil {
		return nil, err
	}
	var texts []string
	return texts, json.Unmarshal(data, &texts)
}

// form has a field for each text, in which it is the title, the description, the value and the choices. What is sent is
// answered with the texts: even fields are told to be wrong, by texts; the last of a form is done, or may not be done.
func form(i int, texts []string) sdk.Widget {
	var fields []reflect.StructField
	for j, text := range texts {
		fields = append(fields, field(j, text))
	}
	return sdk.Widget{
		ID: fmt.Sprintf("form%d", i), Title: line(texts[0]), Description: strings.Join(texts, "\n\n"), View: sdk.ViewForm, For: "annotation:example.com/hostile",
		Args: reflect.New(reflect.StructOf(fields)).Elem().Interface(),
		Data: func(context.Context, sdk.WidgetQuery) (*frame.Frame, error) {
			choices := make([]sdk.Choice, len(texts))
			for j, text := range texts {
				choices[j] = sdk.Choice{Value: text, Label: text}
			}
			return sdk.Choices("f1", choices...), nil
		},
		Submit: func(_ context.Context, q sdk.WidgetQuery) (sdk.WidgetResult, error) { return outcome(q, texts) },
	}
}

// line is what a title may be.
func line(text string) string { return strings.Join(strings.Fields("form "+text), " ") }

func field(j int, text string) reflect.StructField {
	tags := []string{fmt.Sprintf(`json:"f%d,omitempty"`, j), "title:" + strconv.Quote(text), "desc:" + strconv.Quote(text), "example:" + strconv.Quote(text)}
	switch j % 3 {
	case 0:
		tags = append(tags, "default:"+strconv.Quote(text))
	case 2:
		tags = append(tags, "enum:"+strconv.Quote(strings.ReplaceAll(text, ",", ";")+",ok"))
	}
	return reflect.StructField{Name: fmt.Sprintf("F%d", j), Type: reflect.TypeFor[string](), Tag: reflect.StructTag(strings.Join(tags, " "))}
}

func outcome(q sdk.WidgetQuery, texts []string) (sdk.WidgetResult, error) {
	var sent struct {
		F0 string `json:"f0"`
	}
	if err := json.Unmarshal(q.Args, &sent); err != nil {
		return sdk.WidgetResult{}, err
	}
	all := strings.Join(texts, " ")
	switch sent.F0 {
	case "wrong":
		return sdk.WidgetResult{FieldErrors: map[string]string{"": all, "f0": texts[0], "f1": texts[len(texts)-1]}}, nil
	case "refused":
		return sdk.WidgetResult{}, fmt.Errorf("%s: %w", all, sdk.ErrInput)
	default:
		shown := frame.New("shown", frame.Strings("texts").Labeled("texts"))
		for _, text := range texts {
			shown.Columns[0].Add(text)
		}
		return sdk.WidgetResult{Message: all, Frames: []*frame.Frame{shown}, Next: &sdk.WidgetLink{Title: all, URL: "https://example.com/next"}}, nil
	}
}
