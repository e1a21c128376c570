package draw

// asked is a word of forms, as [word] is one of what is shown.
type asked int

const (
	askRequired asked = iota
	askChoose
	askProblems
	askFailed
	askLines
	askSecret

	askedWords // how many there are
)

// asks has the languages of said.
var asks = [askedWords][languages]string{
	askRequired: {"required", "erforderlich", "obligatoire", "obligatorio", "obrigatório", "必須", "مطلوب", "חובה"},
	askChoose:   {"Choose …", "Auswählen …", "Choisir …", "Elegir …", "Escolher …", "選択してください", "اختر…", "בחירה…"},
	askProblems: {"This could not be sent", "Das konnte nicht gesendet werden", "Ceci n’a pas pu être envoyé", "No se ha podido enviar", "Não foi possível enviar",
		"送信できませんでした", "تعذّر الإرسال", "השליחה לא הצליחה"},
	askFailed: {"Something went wrong. Try again in a moment.", "Etwas ist schiefgegangen. Versuchen Sie es gleich noch einmal.", "Un problème est survenu. Réessayez dans un instant.",
		"Algo ha fallado. Inténtelo de nuevo en un momento.", "Algo correu mal. Tente novamente dentro de momentos.", "問題が発生しました。少し待ってからもう一度お試しください。", "حدث خطأ ما. حاول مرة أخرى بعد لحظات.", "משהו השתבש. אפשר לנסות שוב בעוד רגע."},
	askLines: {"one on each line", "je Zeile ein Eintrag", "un par ligne", "uno por línea", "um por linha", "1行に1つ", "واحد في كل سطر", "אחד בכל שורה"},
	askSecret: {"Copy it now: it is not shown again.", "Jetzt kopieren: Es wird nicht noch einmal angezeigt.", "Copiez-le maintenant : il ne sera plus affiché.",
		"Cópielo ahora: no se volverá a mostrar.", "Copie agora: não será mostrado novamente.", "今コピーしてください。再表示されません。", "انسخه الآن: لن يظهر مرة أخرى.", "יש להעתיק עכשיו: זה לא יוצג שוב."},
}

func (l lexicon) ask(w asked) string { return asks[w][l] }
