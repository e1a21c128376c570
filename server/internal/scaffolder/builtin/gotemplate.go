package builtin

import (
	_ "github.com/Masterminds/sprig/v3"
	_ "golang.org/x/crypto/nacl/box"
)
