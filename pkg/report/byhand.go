package report

import (
	"regexp"
	"strings"

	"aws-hit-breaks/pkg/killswitch"
)

// byHand are the commands that put a resource back without the brake. Without an original only its name
// is known.
func (w writer) byHand(it killswitch.Item) []string {
	declaration, known := w.declared[it.Resource.Ref.Kind]
	if !known || declaration.ByHand == nil {
		return nil
	}
	original := &it.Original
	if len(original.Data) == 0 {
		original = nil
	}
	var commands []string
	for _, words := range declaration.ByHand(it.Resource.Ref, original, it.Parts) {
		command := "aws"
		for _, word := range words {
			command += " " + shellQuoted(word)
		}
		commands = append(commands, command)
	}
	return commands
}

// shellQuoted is a word as a POSIX shell takes it.
func shellQuoted(word string) string {
	if plain.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// plain is what means nothing to a shell.
var plain = regexp.MustCompile(`^[\w./:=,@-]+$`)
