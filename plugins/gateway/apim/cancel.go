package apim

import (
	"context"

	"github.com/callboard/callboard/plugins/gateway/driver"
)

// CancelRotation implements [driver.SlotRotator]: the slot that counts gets a key that nobody is told, before the other one
// is written as the one that counts. What is cut off between is done again.
func (d *Driver) CancelRotation(ctx context.Context, app driver.AppID, key driver.KeyID, operation string) error {
	s, _, err := d.readOwned(ctx, app, key)
	if missing(err) {
		return nil
	}
	if err != nil {
		return err
	}
	now := readMark(s.Properties.DisplayName)
	if now.operation != operation {
		return nil
	}
	if err := d.regenerate(ctx, s, now.slot); err != nil {
		return err
	}
	// The mark keeps an operation, for without one the first slot counts: none begins with "cancelled-".
	_, err = d.choose(ctx, app, key, now, mark{label: now.label, slot: 3 - now.slot, operation: cancelled(operation)})
	return err
}

// cancelled is what the mark says in place of an operation that was taken back; it fits the pattern of operations.
func cancelled(operation string) string {
	const prefix = "cancelled-"
	return prefix + operation[:min(len(operation), 64-len(prefix))]
}
