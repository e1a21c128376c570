package sdk

// maxMessage is the protocol's size of one message, less room for what surrounds the items.
const maxMessage = 256<<10 - 4<<10

// maxItems keeps batches of tiny items from growing without end before the first one is seen.
const maxItems = 1000

// batch groups items into messages of at most maxMessage bytes. An item that is longer goes alone, up to gRPC's cap.
type batch[T any] struct {
	send  func([]T) error
	items []T
	size  int
}

func (b *batch[T]) add(item T, size int) error {
	if len(b.items) > 0 && (b.size+size > maxMessage || len(b.items) == maxItems) {
		if err := b.flush(); err != nil {
			return err
		}
	}
	b.items = append(b.items, item)
	b.size += size
	return nil
}

// flush sends what is left; nothing when there is nothing.
func (b *batch[T]) flush() error {
	if len(b.items) == 0 {
		return nil
	}
	items := b.items
	b.items, b.size = nil, 0
	return b.send(items)
}
