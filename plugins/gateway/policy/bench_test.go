package policy

import "testing"

func BenchmarkDecide_Default(b *testing.B) {
	p, err := Default()
	if err != nil {
		b.Fatal(err)
	}
	in := request(nil)
	for b.Loop() {
		if _, err := p.Decide(b.Context(), in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLoad_Default(b *testing.B) {
	folder, err := defaultFolder()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Load(folder); err != nil {
			b.Fatal(err)
		}
	}
}
