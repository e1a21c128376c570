// Package markdown turns Markdown that strangers wrote into HTML that a page of this host can hold. [Description] is for
// a text beside others, in which headings are paragraphs; [Document] is for a text that is read on its own, with
// headings that can be linked and a table of contents.
//
// What comes out is made of a fixed list of elements and attributes: raw HTML is dropped, links lead to whole addresses
// of the web or where the caller lets them lead, pictures are their texts unless the caller has an address for them.
// A sanitiser passes over it, though nothing should be left for it to do: two libraries must be wrong at once.
//
// The parts of code are told apart by classes ([Budget.Code]), in languages that are known here; pages bring the colours.
//
// Time and output of a parser grow faster than its input where texts are made for it, so there are bounds; a text that
// exceeds one is shown as it is written. All functions may be called from any goroutine and keep nothing.
package markdown
