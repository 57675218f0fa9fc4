package ui

import (
	"strings"

	"charm.land/lipgloss/v2"
)

// fold breaks a line that is wider than the terminal between words, and indents what goes on. A command
// stays in one piece, so that it can be copied: what is in backquotes, and whatever follows the name of
// a program. The terminal breaks those where it must, and copies them as one line.
func fold(line string, width int) string {
	if lipgloss.Width(line) <= width {
		return line
	}
	text := strings.TrimLeft(line, " ")
	indent := strings.Repeat(" ", min(len(line)-len(text), width/2))
	var b strings.Builder
	b.WriteString(indent)
	at := len(indent) // the column
	for i, word := range words(text) {
		switch wide := lipgloss.Width(word); {
		case i == 0:
			at += wide
		case at+1+wide > width:
			b.WriteString("\n  " + indent)
			at = len(indent) + 2 + wide
		default:
			b.WriteString(" ")
			at += 1 + wide
		}
		b.WriteString(word)
	}
	return b.String()
}

// words are what a line may be broken between.
func words(text string) []string {
	var all []string
	whole := false // the word that is being put together goes on
	for word := range strings.SplitSeq(text, " ") {
		if whole {
			all[len(all)-1] += " " + word
		} else {
			all = append(all, word)
		}
		last := all[len(all)-1]
		whole = strings.Count(last, "`")%2 == 1 || programs[strings.Fields(last + " .")[0]]
	}
	return all
}

// programs are those whose commands are told without backquotes.
var programs = map[string]bool{"aws-hit-breaks": true, "aws": true}
