package apim

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/sdk/apierror"
)

// mark is what a display name says: a label for people, the slot whose key is presented, and the rotation that chose it.
type mark struct {
	label     string
	slot      int    // 1 or 2
	operation string // "" = there was no rotation
}

// maxDisplayName is Azure's bound.
const maxDisplayName = 100

func (m mark) String() string {
	if m.operation == "" {
		return cut(m.label, maxDisplayName)
	}
	end := fmt.Sprintf(" [%d %s]", m.slot, m.operation)
	return cut(m.label, maxDisplayName-len(end)) + end
}

// labelled is a label that no mark is read from.
func labelled(label string) string {
	return strings.NewReplacer("[", "(", "]", ")").Replace(label)
}

var markPattern = regexp.MustCompile(`(?s)^(.*?) \[([12]) ([0-9A-Za-z-]{1,64})\]$`)

func readMark(displayName string) mark {
	m := markPattern.FindStringSubmatch(displayName)
	if m == nil {
		return mark{label: displayName, slot: 1}
	}
	return mark{label: m[1], slot: int(m[2][0] - '0'), operation: m[3]}
}

// RotateKey implements [driver.SlotRotator]. It renews the other slot before it writes which one counts: what is cut off
// between is done again, with a key that nobody was told.
func (d *Driver) RotateKey(ctx context.Context, app driver.AppID, key driver.KeyID, operation string) (driver.IssuedKey, error) {
	s, _, err := d.readOwned(ctx, app, key)
	if err != nil {
		return driver.IssuedKey{}, err
	}
	now := readMark(s.Properties.DisplayName)
	if now.operation != operation {
		next := mark{label: now.label, slot: 3 - now.slot, operation: operation}
		if err := d.regenerate(ctx, s, next.slot); err != nil {
			return driver.IssuedKey{}, err
		}
		if s, err = d.choose(ctx, app, key, now, next); err != nil {
			return driver.IssuedKey{}, err
		}
	}
	secret, err := d.secret(ctx, s)
	return driver.IssuedKey{Key: s.key(app), Secret: secret}, err
}

// choose writes which slot counts, unless another rotation came between.
func (d *Driver) choose(ctx context.Context, app driver.AppID, key driver.KeyID, was, next mark) (s subscription, err error) {
	err = retried(func() error {
		var etag string
		if s, etag, err = d.readOwned(ctx, app, key); err != nil {
			return err
		}
		switch found := readMark(s.Properties.DisplayName); {
		case found.operation == next.operation:
			return nil
		case found != was:
			return apierror.Conflictf("%s: subscription %s was rotated or renamed by somebody else meanwhile", d.options.Name, key)
		}
		s.Properties.DisplayName = next.String()
		return d.patch(ctx, s, etag, map[string]string{"displayName": s.Properties.DisplayName})
	})
	return s, err
}

// RetireSlot implements [driver.SlotRotator]: the slot that does not count gets a key that nobody is told.
func (d *Driver) RetireSlot(ctx context.Context, app driver.AppID, key driver.KeyID) error {
	s, _, err := d.readOwned(ctx, app, key)
	if missing(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return d.regenerate(ctx, s, 3-readMark(s.Properties.DisplayName).slot)
}

func (d *Driver) regenerate(ctx context.Context, s subscription, slot int) error {
	call := "regeneratePrimaryKey"
	if slot == 2 {
		call = "regenerateSecondaryKey"
	}
	return d.change(ctx, http.MethodPost, []string{"subscriptions", s.Name, call}, "", nil)
}
