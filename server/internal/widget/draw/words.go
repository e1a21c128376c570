package draw

import (
	"strconv"
	"strings"

	"golang.org/x/text/language"
)

// word is something that the host itself says. {0} and {1} stand for what is filled in.
type word int

const (
	wordTable word = iota
	wordNothing
	wordNoData
	wordRetry
	wordError
	wordNotFound
	wordDenied
	wordRequestAccess
	wordLoading
	wordAsOf
	wordAsOfBecause
	wordMissing
	wordFirstRows
	wordSpan
	wordPoints
	wordNoValues
	wordSummary
	wordUp
	wordDown
	wordSame
	wordFurther
	wordInAll
	wordOthers
	wordYes
	wordNo
	wordOf
	wordLess
	wordMore
	wordGreatest
	wordOK
	wordWarn
	wordDanger
	wordInfo
	wordUnknown

	words // how many there are
)

// spoken are the languages that the host speaks, in the order of the columns of said. The first is for everybody else.
var spoken = []language.Tag{
	language.English, language.German, language.French, language.Spanish, language.Portuguese, language.Japanese, language.Arabic, language.Hebrew,
}

const languages = 8

var matcher = language.NewMatcher(spoken)

// said is every word in every language: a message a row, so that translations stand beside each other.
var said = [words][languages]string{
	wordTable:   {"Table", "Tabelle", "Tableau", "Tabla", "Tabela", "表", "جدول", "טבלה"},
	wordNothing: {"Nothing to show", "Nichts anzuzeigen", "Rien à afficher", "Nada que mostrar", "Nada a mostrar", "表示するものはありません", "لا شيء للعرض", "אין מה להציג"},
	wordNoData: {"No data in this range", "Keine Daten in diesem Zeitraum", "Aucune donnée sur cette période", "Sin datos en este periodo",
		"Sem dados neste período", "この期間のデータはありません", "لا توجد بيانات في هذه الفترة", "אין נתונים בטווח הזה"},
	wordRetry: {"Try again", "Erneut versuchen", "Réessayer", "Reintentar", "Tentar novamente", "再試行", "إعادة المحاولة", "לנסות שוב"},
	wordError: {"This cannot be shown now", "Das kann gerade nicht angezeigt werden", "Impossible d’afficher ceci pour le moment", "Esto no se puede mostrar ahora",
		"Não é possível mostrar isto agora", "現在表示できません", "لا يمكن عرض هذا الآن", "לא ניתן להציג זאת כעת"},
	wordNotFound: {"This is not there", "Das gibt es nicht", "Ceci n’existe pas", "Esto no existe", "Isto não existe", "見つかりません", "هذا غير موجود", "זה לא קיים"},
	wordDenied: {"You may not see this", "Sie dürfen das nicht sehen", "Vous n’avez pas accès à ceci", "No tiene permiso para ver esto",
		"Você não tem permissão para ver isto", "これを見る権限がありません", "لا يحق لك رؤية هذا", "אין לך הרשאה לראות זאת"},
	wordRequestAccess: {"Request access", "Zugang beantragen", "Demander l’accès", "Solicitar acceso", "Solicitar acesso", "アクセスを申請", "طلب الوصول", "בקשת גישה"},
	wordLoading:       {"Loading", "Wird geladen", "Chargement", "Cargando", "Carregando", "読み込み中", "جارٍ التحميل", "בטעינה"},
	wordAsOf: {"As of {0}; there is no newer answer", "Stand {0}; es gibt keine neuere Antwort", "État au {0} ; pas de réponse plus récente",
		"Datos de {0}; no hay respuesta más reciente", "Dados de {0}; não há resposta mais recente", "{0} 時点。新しい回答はありません", "حتى {0}؛ لا توجد إجابة أحدث", "נכון ל־{0}; אין תשובה חדשה יותר"},
	wordAsOfBecause: {"As of {0}; there is no newer answer: {1}", "Stand {0}; es gibt keine neuere Antwort: {1}", "État au {0} ; pas de réponse plus récente : {1}",
		"Datos de {0}; no hay respuesta más reciente: {1}", "Dados de {0}; não há resposta mais recente: {1}", "{0} 時点。新しい回答はありません: {1}", "حتى {0}؛ لا توجد إجابة أحدث: {1}", "נכון ל־{0}; אין תשובה חדשה יותר: {1}"},
	wordMissing: {"Without the data of {0}", "Ohne die Daten von {0}", "Sans les données de {0}", "Sin los datos de {0}", "Sem os dados de {0}", "{0} のデータはありません", "دون بيانات {0}", "ללא הנתונים של {0}"},
	wordFirstRows: {"The first {0} of {1} rows", "Die ersten {0} von {1} Zeilen", "Les {0} premières lignes sur {1}", "Las primeras {0} de {1} filas",
		"As primeiras {0} de {1} linhas", "{1} 行のうち最初の {0} 行", "أول {0} من {1} صفوف", "{0} השורות הראשונות מתוך {1}"},
	wordSpan:     {"{0} to {1}.", "{0} bis {1}.", "Du {0} au {1}.", "De {0} a {1}.", "De {0} a {1}.", "{0} から {1} まで。", "من {0} إلى {1}.", "{0} עד {1}."},
	wordPoints:   {"Points: {0}.", "Punkte: {0}.", "Points : {0}.", "Puntos: {0}.", "Pontos: {0}.", "点数: {0}。", "النقاط: {0}.", "נקודות: {0}."},
	wordNoValues: {"{0}: no values.", "{0}: keine Werte.", "{0} : aucune valeur.", "{0}: sin valores.", "{0}: sem valores.", "{0}: 値なし。", "{0}: لا قيم.", "{0}: אין ערכים."},
	wordSummary: {"{0}: last {1}, least {2}, greatest {3}", "{0}: zuletzt {1}, mindestens {2}, höchstens {3}", "{0} : dernier {1}, minimum {2}, maximum {3}",
		"{0}: último {1}, mínimo {2}, máximo {3}", "{0}: último {1}, mínimo {2}, máximo {3}", "{0}: 最新 {1}、最小 {2}、最大 {3}", "{0}: الأخير {1}، الأدنى {2}، الأعلى {3}", "{0}: אחרון {1}, מזערי {2}, מרבי {3}"},
	wordUp: {", up {0} since the first.", ", {0} mehr als zu Beginn.", ", en hausse de {0} depuis le début.", ", {0} más que al principio.", ", {0} a mais que no início.",
		"、最初から {0} 増。", "، بزيادة {0} منذ البداية.", ", עלייה של {0} מאז ההתחלה."},
	wordDown: {", down {0} since the first.", ", {0} weniger als zu Beginn.", ", en baisse de {0} depuis le début.", ", {0} menos que al principio.", ", {0} a menos que no início.",
		"、最初から {0} 減。", "، بانخفاض {0} منذ البداية.", ", ירידה של {0} מאז ההתחלה."},
	wordSame:    {"unchanged", "unverändert", "inchangé", "sin cambios", "sem alteração", "変化なし", "دون تغيير", "ללא שינוי"},
	wordFurther: {"Further series in the table: {0}.", "Weitere Reihen in der Tabelle: {0}.", "Autres séries dans le tableau : {0}.", "Más series en la tabla: {0}.", "Outras séries na tabela: {0}.", "表にあるその他の系列: {0}。", "سلاسل أخرى في الجدول: {0}.", "סדרות נוספות בטבלה: {0}."},
	wordInAll:   {"{0} in all.", "{0} insgesamt.", "{0} au total.", "{0} en total.", "{0} no total.", "合計 {0}。", "{0} إجمالاً.", "{0} בסך הכול."},
	wordOthers:  {"others", "andere", "autres", "otros", "outros", "その他", "أخرى", "אחרים"},
	wordYes:     {"yes", "ja", "oui", "sí", "sim", "はい", "نعم", "כן"},
	wordNo:      {"no", "nein", "non", "no", "não", "いいえ", "لا", "לא"},
	wordOf:      {"{0} of {1}", "{0} von {1}", "{0} sur {1}", "{0} de {1}", "{0} de {1}", "{1} 中 {0}", "{0} من {1}", "{0} מתוך {1}"},
	wordLess:    {"less", "weniger", "moins", "menos", "menos", "少", "أقل", "פחות"},
	wordMore:    {"more", "mehr", "plus", "más", "mais", "多", "أكثر", "יותר"},
	wordGreatest: {"Each cell is the greatest of {0} points.", "Jedes Feld ist der größte von {0} Punkten.", "Chaque case est le maximum de {0} points.", "Cada celda es el máximo de {0} puntos.",
		"Cada célula é o máximo de {0} pontos.", "各セルは {0} 点の最大値です。", "كل خلية هي الأعلى من {0} نقاط.", "כל תא הוא המרבי מתוך {0} נקודות."},
	wordOK:      {"OK", "OK", "OK", "Correcto", "OK", "正常", "سليم", "תקין"},
	wordWarn:    {"Warning", "Warnung", "Avertissement", "Advertencia", "Aviso", "警告", "تحذير", "אזהרה"},
	wordDanger:  {"Problem", "Problem", "Problème", "Problema", "Problema", "問題", "مشكلة", "בעיה"},
	wordInfo:    {"Note", "Hinweis", "Remarque", "Nota", "Nota", "情報", "ملاحظة", "הערה"},
	wordUnknown: {"Unknown", "Unbekannt", "Inconnu", "Desconocido", "Desconhecido", "不明", "غير معروف", "לא ידוע"},
}

// lexicon is the index of the language that is spoken.
type lexicon int

func lexiconOf(tag language.Tag) lexicon {
	if tag == language.English || tag == language.Und {
		return 0
	}
	_, i, confidence := matcher.Match(tag)
	if confidence == language.No {
		return 0
	}
	return lexicon(i)
}

// tag is the language of the words, which need not be that of the numbers.
func (l lexicon) tag() language.Tag { return spoken[l] }

// rightToLeft reports whether the language is written so.
func (l lexicon) rightToLeft() bool { return l.tag() == language.Arabic || l.tag() == language.Hebrew }

// dir is the attribute of that; "" = left to right, which is left out.
func (l lexicon) dir() string {
	if l.rightToLeft() {
		return "rtl"
	}
	return ""
}

// say fills a message in. What is filled in is text, whatever it holds.
func (l lexicon) say(w word, with ...string) string {
	text := said[w][l]
	if len(with) == 0 {
		return text
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "{")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		place, after, _ := strings.Cut(rest, "}")
		if n, err := strconv.Atoi(place); err == nil && n < len(with) {
			b.WriteString(with[n])
		}
		text = after
	}
}
