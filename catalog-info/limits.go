package cataloginfo

// Limits bound what reading one file may cost. Zero means no limit of that sort; start from [DefaultLimits].
type Limits struct {
	FileBytes   int // the whole file
	Documents   int // documents in it
	Depth       int // nesting of one document, aliases followed
	Nodes       int // values and keys of one document, aliases followed
	Aliases     int // uses of one anchor, multiplied by the aliases inside it: the reference's rule and number
	EntityBytes int // keys and texts of one document, aliases followed
	ValueBytes  int // one text; spec.definition is bounded by EntityBytes alone, since API definitions are long
}

// DefaultLimits are for files from anywhere. They are far above what people write by hand.
func DefaultLimits() Limits {
	return Limits{
		FileBytes: 1 << 20, Documents: 100,
		Depth: 64, Nodes: 100_000, Aliases: 100, EntityBytes: 1 << 20, ValueBytes: 64 << 10,
	}
}

// OperatorLimits are for files that the operator's own configuration names, which may be generated and hold a whole
// catalog: 64 MiB and 100,000 documents. What one document may cost is bounded as by [DefaultLimits].
func OperatorLimits() Limits {
	l := DefaultLimits()
	l.FileBytes, l.Documents = 64<<20, 100_000
	return l
}

func exceeds(n, limit int) bool { return limit > 0 && n > limit }
