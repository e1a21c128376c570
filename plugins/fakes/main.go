package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

const usage = `Usage: fakes [-port N] [-- COMMAND [ARGUMENT]...]

Serves stand-ins for the services that the official plugins talk to, with sample data: until it is interrupted, or while
COMMAND runs, whose exit status it then ends with. COMMAND finds their addresses in its environment.

`

// run is the program; it returns its exit status.
func run(args []string, out, errs io.Writer) int {
	flags := flag.NewFlagSet("fakes", flag.ContinueOnError)
	flags.SetOutput(errs)
	flags.Usage = func() { fmt.Fprint(errs, usage); flags.PrintDefaults() }
	port := flags.Int("port", 7110, "port of the first service, of which the others follow; 0 = any free ones")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	status, err := serve(*port, flags.Args(), out, errs)
	if err != nil {
		fmt.Fprintln(errs, "fakes:", err)
	}
	return status
}

func serve(port int, command []string, out, errs io.Writer) (status int, err error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	// From here on an interrupt ends the command, and then this, rather than this alone.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	defer signal.Stop(signals)

	services := services(time.Now)
	list, err := listen(services, port)
	if err != nil {
		return 1, err
	}
	defer list.close()
	go keepYoung(ctx, services, time.Hour)
	for _, s := range list {
		fmt.Fprintf(out, "%-12s %s\n", s.name, s.url())
	}
	if len(command) == 0 {
		<-signals
		return 0, nil
	}
	return attend(command, list.environment(), signals, out, errs)
}

// attend runs a command to its end. A terminal interrupts the command itself, so that only requests to end are passed on.
func attend(command, environment []string, signals <-chan os.Signal, out, errs io.Writer) (status int, err error) {
	//nolint:gosec,noctx // the command is the caller's own, and ends when it is told to
	c := exec.Command(command[0], command[1:]...)
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, out, errs
	c.Env = append(os.Environ(), environment...)
	if err := c.Start(); err != nil {
		return 1, err
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	for {
		select {
		case s := <-signals:
			if s == syscall.SIGTERM {
				_ = c.Process.Signal(s) // it may have ended by now
			}
		case err := <-ended:
			if exit, ok := errors.AsType[*exec.ExitError](err); ok {
				return max(exit.ExitCode(), 1), nil // -1 = ended by a signal
			}
			return 0, err
		}
	}
}
