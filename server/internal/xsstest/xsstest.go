// Package xsstest is a corpus of texts that run where something forgets to escape them, and a look at whether HTML holds
// more than its writer's own list of elements and attributes. It is for tests.
package xsstest

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// Payloads are things that run when something forgets to escape, in HTML, in Markdown, in addresses.
var Payloads = []string{
	`<script>canary()</script>`, `<img src=x onerror=canary()>`, `<svg onload=canary()>`, `<svg><script>canary()</script></svg>`,
	`<iframe src=javascript:canary()>`, `<iframe srcdoc="<script>canary()</script>">`, `<body onload=canary()>`, `<a href=javascript:canary()>x</a>`,
	`<details open ontoggle=canary()>`, `<style>*{background:url(//x.test)}</style>`, `<link rel=stylesheet href=//x.test>`, `<meta http-equiv=refresh content=0>`,
	`<base href=//x.test>`, `<form action=//x.test><button>`, `<input autofocus onfocus=canary()>`, `<math><mtext></form><form><mglyph><style></math><img src onerror=canary()>`,
	`<object data=javascript:canary()>`, `<embed src=javascript:canary()>`, `<video><source onerror=canary()>`, `<marquee onstart=canary()>`,
	`<template><img src=x onerror=canary()></template>`, `<noscript><p title="</noscript><img src=x onerror=canary()>">`,
	`<textarea></textarea><img src=x onerror=canary()>`, `<p style="position:fixed">`, `<img src="x` + "`" + `>` + "`" + ` onerror=canary()>`,
	`<x onclick=canary()>`, `<a href="data:text/html,<script>canary()</script>">x</a>`, `<!--><img src=x onerror=canary()>-->`, `<![CDATA[<img src=x onerror=canary()>]]>`,
	`<?xml version="1.0"?><x onclick=canary()>`, `<title></title><script>canary()</script>`,
	// Markdown
	`[x](javascript:canary())`, `[x](JaVaScRiPt:canary())`, `[x](java&#115;cript:canary())`, `[x](java&Tab;script:canary())`, `[x](data:text/html;base64,x)`,
	`[x](vbscript:canary())`, `[x](//x.test/y)`, `[x](../../y)`, `[x](#y)`, `![x](http://x.test/y.png)`, `![x](javascript:canary())`, `<javascript:canary()>`,
	`<http://x.test/"onmouseover=canary()>`, `[x](http://x.test/"onmouseover="canary())`, `[x](<http://x.test/ "onmouseover=canary()>)`, `[x]: javascript:canary()` + "\n\n[x]",
	"```\"onmouseover=canary()\n<script>\n```", `[a](http://x.test "\"onmouseover=canary()")`, `http://x.test/?"onmouseover=canary()`, `[x](\x01javascript:canary())`,
	`[x](file:///etc/passwd)`, `[x](http:javascript)`, "# <img src=x onerror=canary()>", "| a |\n|---|\n| <img src=x onerror=canary()> |", `**<img src=x onerror=canary()>**`,
	`&lt;script&gt;canary()&lt;/script&gt;`, `&#60;script&#62;canary()&#60;/script&#62;`, `<p onclick=canary()>`, "* <svg/onload=canary()>", "> <svg/onload=canary()>",
	// Templates and addresses
	`{{constructor.constructor('canary()')()}}`, `${canary()}`, `javascript:canary()`, `https://x.test/" onmouseover="canary()`, "https://x.test/\n<script>", `http://[::1`, `//x.test`,
	"\u202e<b>\u2066", "\x00<script>canary()</script>", "<\x00script>canary()</script>", "<scr\x00ipt>", "\u2028<img src=x onerror=canary()>", "\ufeff<script>",
}

// Outs are ways to leave an attribute, an element or a comment.
var Outs = []string{"", `">`, `'>`, `"'>`, `--></title></style></textarea></script></pre></code>`}

// Corpus is every payload after every way out.
func Corpus() []string {
	var all []string
	for _, out := range Outs {
		for _, p := range Payloads {
			all = append(all, out+p)
		}
	}
	return all
}

// Problems are what a page holds beside the elements of written with their attributes. value judges the values of
// attributes.
func Problems(page string, written map[string][]string, value func(name, value string) bool) []string {
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		return []string{err.Error()}
	}
	var found []string
	for n := range root.Descendants() {
		switch n.Type {
		case html.CommentNode:
			found = append(found, "a comment: "+n.Data)
		case html.ElementNode:
			attributes, known := written[n.Data]
			if !known || n.Namespace != "" {
				found = append(found, "element "+n.Data)
				continue
			}
			for _, a := range n.Attr {
				if !slices.Contains(attributes, a.Key) || !value(a.Key, a.Val) {
					found = append(found, fmt.Sprintf("%s %s=%q", n.Data, a.Key, a.Val))
				}
			}
		}
	}
	return found
}
