// Package choices fills fields of a template's form with choices from elsewhere, so that a stock form offers what there is
// now:
//
//	region:
//	  title: Region
//	  type: string
//	  valuesRef:
//	    url: https://inventory.example.com/regions.json # or plugin: cost, path: /regions
//	    select: $.regions[?@.open == true]              # JSONPath (RFC 9535) to the items; $[*] when absent
//	    value: $.id                                     # within an item; the item itself when absent
//	    title: $.name                                   # what the form shows; the value when absent, here or in an item
//	    timeout: 3s
//	    cache: 1m
//
// When the schema is asked for, valuesRef gives way to enum and enumNames; when they cannot be had, the field says why and
// takes no input. When a task is created, the chosen values are held against the choices of that moment.
//
// reference.go reads a valuesRef, source.go fetches and caches, resolve.go rewrites schemas. The package fetches through
// the interfaces it is given and knows no HTTP.
package choices
