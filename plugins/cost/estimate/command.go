package estimate

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/callboard/callboard/plugins/cost/estimate/tfplan"
	"github.com/callboard/callboard/sdk/apierror"
)

const help = `Estimates what a Terraform plan costs a month.

    terraform plan -out plan.tfplan
    terraform show -json plan.tfplan > plan.json
    cost estimate plan.json

usage: cost estimate [flags] FILE

FILE is a plan as terraform show -json writes it, or an estimate as infracost --format json does; - is standard input. What
the plan's resources cost comes of a price book, and nothing is asked over the network.

flags:
`

type command struct {
	book, usage, format string
	regions             list
	most                string
	file                string
}

type list []string

func (l *list) String() string     { return strings.Join(*l, ",") }
func (l *list) Set(v string) error { *l = append(*l, v); return nil }

// Main is the command `cost estimate`, without these two words. It answers the exit status: 0, 1 when there is no estimate, 2
// when the command is used wrongly, 3 when the plan costs more than it may.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	c, err := parse(args, stdout, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		return 2
	}
	d, err := c.run(stdin)
	if err == nil {
		err = c.print(d, stdout)
	}
	if err != nil {
		fmt.Fprintf(stderr, "cost estimate: %s\n", plain(err))
		return 1
	}
	if err := d.within(c.most); err != nil {
		fmt.Fprintf(stderr, "cost estimate: %s\n", plain(err))
		return 3
	}
	return 0
}

func parse(args []string, stdout, stderr io.Writer) (command, error) {
	var c command
	flags := flag.NewFlagSet("cost estimate", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&c.book, "price-book", "", "price book, a CSV `file`; the sample that comes with the plugin unless given")
	flags.StringVar(&c.usage, "usage", "", "usage `file`, YAML in the form of Infracost's")
	flags.StringVar(&c.format, "format", "table", "table or json")
	flags.Var(&c.regions, "region", "`provider=region` for resources that do not tell theirs, such as aws=eu-west-1; may be repeated")
	flags.StringVar(&c.most, "max", "", "fail when a month costs more than this `amount`")
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), help)
		flags.PrintDefaults()
	}
	for _, a := range args { // help that was asked for is the output
		if a == "-h" || a == "-help" || a == "--help" {
			flags.SetOutput(stdout)
		}
	}
	files, err := interspersed(flags, args)
	switch {
	case err != nil:
		return c, err
	case len(files) != 1:
		err = errors.New("give one file, or - for standard input")
	case c.format != "table" && c.format != "json":
		err = fmt.Errorf("-format is table or json, not %q", c.format)
	default:
		c.file = files[0]
		return c, nil
	}
	fmt.Fprintf(stderr, "cost estimate: %v; --help tells more\n", err)
	return c, err
}

// interspersed parses flags that stand before and after files.
func interspersed(flags *flag.FlagSet, args []string) (files []string, err error) {
	for {
		if err := flags.Parse(args); err != nil {
			return nil, err
		}
		if flags.NArg() == 0 {
			return files, nil
		}
		files, args = append(files, flags.Arg(0)), flags.Args()[1:]
	}
}

func (c command) run(stdin io.Reader) (*Document, error) {
	e := New(Options{})
	regions, err := regionsOf(c.regions)
	if err != nil {
		return nil, err
	}
	if err := e.Configure(".", Settings{PriceBook: c.book}); err != nil {
		return nil, err
	}
	q := Request{Name: c.file, Regions: regions}
	if c.usage != "" {
		text, err := os.ReadFile(c.usage)
		if err != nil {
			return nil, err
		}
		if q.Usage, err = ReadUsage(text); err != nil {
			return nil, err
		}
	}
	if c.file != "-" {
		q.Name = filepath.Base(c.file)
		f, err := os.Open(c.file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		stdin = f
	}
	data, err := io.ReadAll(io.LimitReader(stdin, tfplan.MaxBytes+1))
	if err != nil {
		return nil, err
	}
	return e.Read(context.Background(), data, q)
}

func (c command) print(d *Document, stdout io.Writer) error {
	if c.format == "json" {
		encoder := json.NewEncoder(stdout)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		return encoder.Encode(d)
	}
	_, err := io.WriteString(stdout, d.Table())
	return err
}

// plain is the text of an error without its name, which means nothing at a terminal.
func plain(err error) string {
	if named, ok := errors.AsType[*apierror.Error](err); ok {
		return named.Message
	}
	return err.Error()
}
