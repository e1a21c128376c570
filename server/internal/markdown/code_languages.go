package markdown

import "strings"

// languages are those that code is told apart in, by the names that authors give them.
var languages = func() table {
	t := table{}
	t.braces()
	t.hashes()
	t.others()
	return t
}()

type table map[string]*language

func (t table) add(l *language, names ...string) {
	for _, n := range names {
		t[n] = l
	}
}

// braces are languages with the comments and texts of C.
func (t table) braces() {
	slashes, stars := []string{"//"}, [][2]string{{"/*", "*/"}}
	cLike := func(words string) *language {
		return &language{scan: program, lines: slashes, blocks: stars, quotes: `"'`, words: wordsOf(words)}
	}
	script := cLike("async await break case catch class const continue default delete do else export extends finally for from function if import in instanceof interface let new of private public readonly return static super switch this throw try type typeof var void while yield")
	script.long = []string{"`"}
	t.add(script, "js", "javascript", "mjs", "jsx", "ts", "typescript", "tsx")
	golang := cLike("any bool break byte case chan const continue default defer else error fallthrough for func go goto if import int interface map package range return rune select string struct switch type var")
	golang.long, golang.raw = []string{"`"}, "`"
	t.add(golang, "go", "golang")
	t.add(cLike("abstract boolean break case catch class const continue default do double else enum extends final finally float for fun if implements import in instanceof int interface is long new object override package private protected public return static super switch this throw throws try val var void when while"), "java", "kotlin", "kt", "scala", "groovy")
	t.add(cLike("async await auto bool break case catch char class const continue default delete do double else enum extern float for foreach if in int long namespace new operator override private protected public return sizeof static string struct switch template this throw try typedef typename union unsigned using var virtual void while"), "c", "h", "cpp", "c++", "cs", "csharp", "c#")
	rust := cLike("as async await break const continue crate else enum extern fn for if impl in let loop match mod move mut pub ref return self static struct super trait type unsafe use where while")
	rust.quotes = `"` // a single one is also a lifetime's
	t.add(rust, "rust", "rs")
	t.add(cLike("class else enum extension for func guard if import in init let private protocol public return self static struct switch throws try var while"), "swift")
	t.add(cLike("abstract array as break case catch class const continue echo else elseif extends final finally fn for foreach function if implements interface namespace new private protected public return static switch throw try use while"), "php")
	proto := cLike("bool bytes double enum extend float import int32 int64 map message oneof optional option package repeated reserved returns rpc service stream string syntax uint32 uint64")
	t.add(proto, "proto", "protobuf", "proto3")
}

// hashes are languages with the comments of a shell.
func (t table) hashes() {
	hashes := func(words string) *language {
		return &language{scan: program, lines: []string{"#"}, quotes: `"'`, words: wordsOf(words)}
	}
	python := hashes("and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return self try while with yield")
	python.long = []string{`"""`, `'''`}
	t.add(python, "python", "py", "python3", "starlark")
	t.add(hashes("alias and begin break case class def do else elsif end ensure for if in include module next not or private raise require rescue return self super then unless until when while yield"), "ruby", "rb")
	shell := hashes("case do done elif else esac exit export fi for function if in local readonly return set then unset until while cat cd cp curl docker echo git go grep helm kubectl ls make mkdir mv npm pip rm sed sudo")
	shell.quotes, shell.long, shell.raw = "", []string{`"`, "'"}, "'"
	t.add(shell, "sh", "bash", "shell", "zsh", "console", "curl")
	t.add(hashes("ADD ARG AS CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL RUN SHELL STOPSIGNAL USER VOLUME WORKDIR"), "dockerfile", "docker", "containerfile")
	t.add(hashes("define else endef endif export ifdef ifeq ifndef include"), "make", "makefile")
	hcl := hashes("data for_each locals module output provider resource terraform variable")
	hcl.lines, hcl.blocks = []string{"#", "//"}, [][2]string{{"/*", "*/"}}
	t.add(hcl, "hcl", "terraform", "tf")
	schema := hashes("directive enum extend fragment implements input interface mutation on query scalar schema subscription type union")
	schema.long = []string{`"""`}
	t.add(schema, "graphql", "gql", "sdl")
}

// others are data, markup, and what has its own comments.
func (t table) others() {
	slashes, stars := []string{"//"}, [][2]string{{"/*", "*/"}}
	t.add(&language{scan: program, blocks: stars, quotes: `"'`, words: wordsOf("important media import supports")}, "css", "scss", "less")
	t.add(&language{scan: program, lines: []string{"--"}, blocks: stars, quotes: `'"`, folded: true, words: upper("add all alter and as asc between by case create default delete desc distinct drop else end exists from full group having in index inner insert into is join key left like limit not offset on or order outer primary references returning right select set table then union unique update using values view when where with")}, "sql", "postgresql", "mysql", "sqlite")
	t.add(&language{scan: object, lines: slashes, blocks: stars, quotes: `"`, words: wordsOf("")}, "json", "jsonc", "json5")
	t.add(&language{scan: settings, lines: []string{"#"}, quotes: `"'`, words: wordsOf("yes no on off")}, "yaml", "yml")
	t.add(&language{scan: settings, lines: []string{"#", ";"}, quotes: `"'`, words: wordsOf("")}, "toml", "ini", "properties", "env", "dotenv")
	t.add(&language{scan: tags, blocks: [][2]string{{"<!--", "-->"}}, long: []string{`"`, "'"}, raw: `"'`}, "xml", "html", "svg", "vue", "xhtml")
	t.add(&language{scan: changes}, "diff", "patch")
}

// wordsOf are keywords, and the words that are values in many languages.
func wordsOf(text string) map[string]string {
	out := map[string]string{}
	for w := range strings.FieldsSeq(text) {
		out[w] = keyword
	}
	for w := range strings.FieldsSeq("true false null nil None True False undefined") {
		out[w] = literal
	}
	return out
}

func upper(text string) map[string]string {
	out := wordsOf(strings.ToUpper(text))
	out["TRUE"], out["FALSE"], out["NULL"] = literal, literal, literal
	return out
}
