package launch_test

func runTestHost([]string) {}
