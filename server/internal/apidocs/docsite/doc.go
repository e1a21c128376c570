// Package docsite makes pages that a host can show of documentation that was generated elsewhere, as TechDocs are: the
// article of a page, its headings, and the pages of the site, from HTML that may hold anything.
//
// What comes out is written anew from a fixed list of elements and attributes, with addresses that the caller decides on;
// a sanitiser of another make passes over it. Nothing of the page's scripts, styles, forms and frames is left.
//
// site.go finds the parts of a page, write.go writes what may stay, address.go decides where links lead.
package docsite
