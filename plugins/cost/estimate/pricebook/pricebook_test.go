package pricebook

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/callboard/callboard/sdk"
)

const head = "# callboard price book 1\n# version: 7\n"

func TestRead_FindsThePriceOfTheRegionFirst(t *testing.T) {
	b, err := Read(strings.NewReader("\ufeff" + head + "# of our own\r\nNote, item,unit,price,currency,region,provider\n" +
		"x,vm/a,hours,0.5,CHF,*,aws\n,vm/a,hours,0.25,CHF,eu-west-1,aws\n# a remark\n\"a, b\",vm/b,hours,1e-7,CHF,eu-west-1,aws\n"))
	if err != nil {
		t.Fatal(err)
	}
	if b.Version != "7" || b.Currency != "CHF" || b.Len() != 3 {
		t.Errorf("version %s in %s with %d prices", b.Version, b.Currency, b.Len())
	}
	for _, c := range []struct{ provider, region, item, want string }{
		{"aws", "eu-west-1", "vm/a", "0.25"}, {"aws", "us-east-1", "vm/a", "0.5"}, {"aws", "", "vm/a", "0.5"},
		{"aws", "eu-west-1", "vm/b", "0.0000001"}, {"aws", "us-east-1", "vm/b", "none"}, {"google", "eu-west-1", "vm/a", "none"},
	} {
		got := "none"
		if tiers, ok := b.Find(c.provider, c.region, c.item); ok {
			got = tiers[0].Price.String()
		}
		if got != c.want {
			t.Errorf("%v costs %s", c, got)
		}
	}
}

func TestRead_PutsTiersInOrder(t *testing.T) {
	b, err := Read(strings.NewReader(head + "provider,region,item,unit,from,price,currency\naws,*,s3,GB,500,1,USD\naws,*,s3,GB,,3,USD\naws,*,s3,GB,50,2,USD\n"))
	if err != nil {
		t.Fatal(err)
	}
	tiers, _ := b.Find("aws", "x", "s3")
	var got []string
	for _, tier := range tiers {
		got = append(got, tier.From.String()+":"+tier.Price.String())
	}
	if text := strings.Join(got, " "); text != "0:3 50:2 500:1" {
		t.Error(text)
	}
}

func TestRead_NamesTheLineAndTheRule(t *testing.T) {
	const columns = "provider,region,item,unit,from,price,currency\n"
	for want, text := range map[string]string{
		`line 1 must be "# callboard price book 1"`: "provider,region\n",
		"it is empty":                          "",
		"a line \"# version: …\"":              "# callboard price book 1\n" + columns,
		"it has no prices":                     head + columns,
		"line 3: column currency is missing":   head + "provider,region,item,unit,price\n",
		`line 3: column "item" is there twice`: head + "provider,region,item,unit,price,currency,Item\n",
		"line 4: price: \"NaN\"":               head + columns + "aws,*,a,b,0,NaN,USD\n",
		"line 5: price -1 is negative":         head + columns + "aws,*,a,b,0,1,USD\naws,*,b,b,0,-1,USD\n",
		"which nothing costs":                  head + columns + "aws,*,a,b,0,1000000001,USD\n",
		"line 4: from -2 is negative":          head + columns + "aws,*,a,b,-2,1,USD\n",
		"line 4: region is empty":              head + columns + "aws, ,a,b,0,1,USD\n",
		"line 5: currency EUR after rows in USD: a price book has one currency": head + columns + "aws,*,a,b,0,1,USD\naws,*,b,b,0,1,EUR\n",
		`line 4: currency "$" is no code`:                                       head + columns + "aws,*,a,b,0,1,$\n",
		"line 4: wrong number of fields":                                        head + columns + "aws,*,a\n",
		"line 4: extraneous or missing \"":                                      head + columns + "aws,*,\"a,b,0,1,USD\n",
		"a of aws in * has no price from 0":                                     head + columns + "aws,*,a,b,5,1,USD\n",
		"a of aws in * has two prices from 0":                                   head + columns + "aws,*,a,b,0,1,USD\naws,*,a,b,0,2,USD\n",
		"a of aws in * has the units b and c":                                   head + columns + "aws,*,a,b,0,1,USD\naws,*,a,c,9,2,USD\n",
		"line 1 must be \"# callboard price book ":                              "<!DOCTYPE html>\n",
	} {
		_, err := Read(strings.NewReader(text))
		if err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, sdk.ErrInput) {
			t.Errorf("want %q: %v", want, err)
		}
	}
}

func TestRead_IsBounded(t *testing.T) {
	row := []byte("aws,*,a,b,0,1,USD\n")
	long := append([]byte(head+"provider,region,item,unit,from,price,currency\n"), bytes.Repeat(row, MaxRows+1)...)
	if _, err := Read(bytes.NewReader(long)); err == nil || !strings.Contains(err.Error(), "more than 100000 rows") {
		t.Error(err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(sample[:4000])
	f.Add([]byte(head + "provider,region,item,unit,from,price,currency\naws,*,s3,GB,500,1,USD\naws,*,s3,GB,,3,USD\n"))
	f.Add([]byte("# callboard price book 1\n#"))
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := Read(bytes.NewReader(text))
		if err != nil {
			return
		}
		if b.Currency == "" || b.Version == "" || b.Len() == 0 {
			t.Fatalf("a book without prices was read: %+v", b)
		}
		for k, tiers := range b.prices {
			for i, tier := range tiers {
				if tier.Price.Sign() < 0 || tier.Price.Err() != nil || i > 0 && tier.From.Cmp(tiers[i-1].From) <= 0 {
					t.Fatalf("%v: %+v", k, tiers)
				}
			}
		}
	})
}
