package draw

import (
	"strconv"
	"strings"
	"time"
)

// calendar writes days as the language does: the medium form of CLDR, with the month by name, since numbers alone are read
// differently by different people.
type calendar struct {
	months      [12]string
	inYear, day string // {d} day, {m} month, {y} year
}

var calendars = [languages]calendar{
	{[12]string{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"}, "{d} {m} {y}", "{d} {m}"},
	{[12]string{"Jan.", "Feb.", "März", "Apr.", "Mai", "Juni", "Juli", "Aug.", "Sept.", "Okt.", "Nov.", "Dez."}, "{d}. {m} {y}", "{d}. {m}"},
	{[12]string{"janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."}, "{d} {m} {y}", "{d} {m}"},
	{[12]string{"ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sept", "oct", "nov", "dic"}, "{d} {m} {y}", "{d} {m}"},
	{[12]string{"jan.", "fev.", "mar.", "abr.", "mai.", "jun.", "jul.", "ago.", "set.", "out.", "nov.", "dez."}, "{d} de {m} de {y}", "{d} de {m}"},
	{[12]string{"1月", "2月", "3月", "4月", "5月", "6月", "7月", "8月", "9月", "10月", "11月", "12月"}, "{y}年{m}{d}日", "{m}{d}日"},
	{[12]string{"يناير", "فبراير", "مارس", "أبريل", "مايو", "يونيو", "يوليو", "أغسطس", "سبتمبر", "أكتوبر", "نوفمبر", "ديسمبر"}, "{d} {m} {y}", "{d} {m}"},
	{[12]string{"ינו׳", "פבר׳", "מרץ", "אפר׳", "מאי", "יוני", "יולי", "אוג׳", "ספט׳", "אוק׳", "נוב׳", "דצמ׳"}, "{d} {m} {y}", "{d} {m}"},
}

func (l lexicon) date(t time.Time) string   { return calendars[l].write(calendars[l].inYear, t) }
func (l lexicon) day(t time.Time) string    { return calendars[l].write(calendars[l].day, t) }
func (l lexicon) year(t time.Time) string   { return strconv.Itoa(t.Year()) }
func (l lexicon) clock(t time.Time) string  { return t.Format("15:04") }
func (l lexicon) second(t time.Time) string { return t.Format("15:04:05") }

// clockOrDay shows the day where one begins.
func (l lexicon) clockOrDay(t time.Time) string {
	if t.Hour() == 0 && t.Minute() == 0 {
		return l.day(t)
	}
	return l.clock(t)
}

// month shows the year where one begins.
func (l lexicon) month(t time.Time) string {
	if t.Month() == time.January {
		return l.year(t)
	}
	return calendars[l].months[t.Month()-1]
}

func (c calendar) write(form string, t time.Time) string {
	var b strings.Builder
	for i := 0; i < len(form); i++ {
		if form[i] != '{' {
			b.WriteByte(form[i])
			continue
		}
		switch form[i+1] {
		case 'd':
			b.WriteString(strconv.Itoa(t.Day()))
		case 'm':
			b.WriteString(c.months[t.Month()-1])
		case 'y':
			b.WriteString(strconv.Itoa(t.Year()))
		}
		i += 2
	}
	return b.String()
}
