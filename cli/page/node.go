package page

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
)

// attributes of an element.
type attributes map[string]string

// element makes an element with its children: nodes, texts, lists of nodes. A text is written escaped
// by html.Render; only what is in this package's own files goes into a script or a style.
func element(name string, with attributes, children ...any) *html.Node {
	node := &html.Node{Type: html.ElementNode, Data: name}
	for _, key := range []string{
		"id", "class", "lang", "charset", "name", "http-equiv", "content", "role", "scope", "colspan", "href", "title",
		"aria-label", "data-value", "data-sort",
	} {
		if value, ok := with[key]; ok {
			node.Attr = append(node.Attr, html.Attribute{Key: key, Val: visible(value)})
			delete(with, key)
		}
	}
	for key := range with {
		panic("page: attribute " + key + " has no place among the attributes")
	}
	for _, child := range children {
		switch child := child.(type) {
		case string:
			if child != "" {
				node.AppendChild(&html.Node{Type: html.TextNode, Data: visible(child)})
			}
		case *html.Node:
			if child != nil {
				node.AppendChild(child)
			}
		case []*html.Node:
			for _, each := range child {
				node.AppendChild(each)
			}
		}
	}
	return node
}

// visible is a text with a mark in the place of what no page may contain.
func visible(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0x7f {
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(text, string(utf8.RuneError)))
}
